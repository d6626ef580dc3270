/** How a fact is typed for rules. In JSON: timestamps are RFC 3339 strings, durations milliseconds, ints safe integers. */
export type FactType = 'bool' | 'int' | 'double' | 'string' | 'timestamp' | 'duration' | 'list<string>'

/**
 * Every fact there is, by group. A group is about one object (a CRL, an OCSP answer, a certificate, a TLS connection).
 * A fact that was not established is absent, which makes a rule that needs it `unknown`: there are no defaults.
 * Rules and metrics are typed by this table; docs/metrics.md lists the facts that are metrics.
 */
export const FACTS = {
  /** The probe run itself; derived from the observation, present for every run. */
  probe: {
    outcome: 'string', // success | failure
    phase: 'string', // '' or where it failed
    code: 'string', // '' or the error code
    duration: 'duration',
    at: 'timestamp',
  },
  /** The addresses of the host that was asked, at most eight, in the order of their text; the other facts are of the newest answer that verified. */
  addresses: {
    all: 'list<string>', // that were looked at
    failed: 'list<string>', // those without a good answer, each with its code: `192.0.2.7 http_status`
    differing: 'list<string>', // those whose answer verified and is another
    skipped: 'list<string>', // IPv6 addresses, where the machine has no IPv6; absent where there is none
  },
  /** The transfer of what was fetched (RFC 9110, 9111). */
  http: {
    scheme: 'string', // http | https | ldap | ldaps | file
    status: 'int', // 200, also when 304 said that the known one is current
    mediaType: 'string', // without parameters, lower case; '': none was given
    etag: 'string',
    lastModified: 'timestamp',
    freshUntil: 'timestamp', // until when caches may serve it (RFC 9111 section 4.2); absent where that moves with every answer
    freshFor: 'duration', // how long they may, from the answer on
    redirects: 'list<string>', // URLs it was redirected to, in order
  },
  /** A CRL whose signature verified (RFC 5280 section 5). */
  crl: {
    issuer: 'string', // RFC 4514
    number: 'string', // decimal; up to 2^159
    thisUpdate: 'timestamp',
    nextUpdate: 'timestamp',
    entries: 'int',
    isDelta: 'bool',
    signatureAlgorithm: 'string',
    signatureStrength: 'int', // bits of security of hash and key
    quantumSafe: 'bool',
    size: 'int', // octets
    sha256: 'string',
  },
  /** An OCSP answer whose signature and responder verified (RFC 6960 section 3.2); status only when it is timely too. */
  ocsp: {
    serial: 'string',
    status: 'string', // good | revoked | unknown
    thisUpdate: 'timestamp',
    nextUpdate: 'timestamp',
    producedAt: 'timestamp',
    revokedAt: 'timestamp',
    reason: 'string',
    responder: 'string',
    responderDelegated: 'bool', // by the CA, which did not sign itself
    responderNotAfter: 'timestamp', // of the certificate that signed
    responderNoCheck: 'bool', // ocsp-nocheck in the delegate's certificate; absent when the CA signed itself
    responses: 'int', // single responses in the answer
    certIdHash: 'string', // sha1 | sha256 | … | OID
    signatureAlgorithm: 'string',
    signatureStrength: 'int', // bits of security of hash and key of the answer
    quantumSafe: 'bool',
    nonceEchoed: 'bool',
    archiveCutoff: 'timestamp',
    extendedRevoke: 'bool', // RFC 6960 4.4.8
  },
  /** A certificate as served or declared. */
  certificate: {
    subject: 'string',
    issuer: 'string',
    serial: 'string',
    notBefore: 'timestamp',
    notAfter: 'timestamp',
    identities: 'list<string>',
    keyAlgorithm: 'string',
    keyBits: 'int',
    keyStrength: 'int', // bits of security, NIST SP 800-57 part 1 table 2; 0 below 80
    signatureAlgorithm: 'string',
    signatureStrength: 'int', // the same of the signature: its hash and its signer's key
    quantumSafe: 'bool', // key and signature
    isCa: 'bool',
    pathLength: 'int',
    selfSigned: 'bool',
    keyUsage: 'list<string>', // names of RFC 5280 4.2.1.3; empty without the extension
    extendedKeyUsage: 'list<string>', // names where there are, else OIDs; empty without the extension
    policies: 'list<string>', // OIDs
    ocspUrls: 'list<string>',
    crlUrls: 'list<string>',
    mustStaple: 'bool', // RFC 7633
    isPrecertificate: 'bool', // RFC 6962
    sctCount: 'int', // timestamps of CT logs that it carries
    sha256: 'string',
    spkiSha256: 'string', // over its SubjectPublicKeyInfo
  },
  /**
   * Structural rules (docs/lints.md) that the objects of the run were judged by. Rules read each by its id, as pass, fail or not_applicable:
   * `lint.crl_number_present != "fail"`. An OCSP probe judges the answer and a delegated signer's certificate, a TLS probe the served
   * certificate and the answer about it.
   */
  lint: {
    failures: 'int',
    failed: 'list<string>', // ids
    judged: 'list<string>', // for each object its kind, the edition of the table, and a letter for each lint
  },
  /** The TLS connection and what it says about the service. */
  tls: {
    protocol: 'string',
    cipher: 'string',
    group: 'string',
    chainLength: 'int',
    pathValid: 'bool', // to the declared issuer
    pathError: 'string',
    issuedDirectly: 'bool', // of a valid path: the declared issuer itself signed it, no CA in between
    identityMatches: 'bool',
    clientCertificateAccepted: 'bool',
  },
  /** The declared certification authority, from the inventory. */
  authority: { id: 'string', class: 'string' },
  /** The declared service, from the inventory. */
  service: { id: 'string', environment: 'string', owner: 'string', servername: 'string' },
  /** A signed statement of a person, whose signature verified with a trusted key: about what no probe can observe. */
  attestation: {
    kind: 'string',
    by: 'string',
    statement: 'string',
    at: 'timestamp',
    expires: 'timestamp',
    files: 'int', // of the directory as a whole: statements in it,
    refused: 'int', // and those that were not taken
  },
  /** An objective, its error budget and how fast that is spent; derived from runs (docs/slo.md). Without runs there is no value. */
  slo: {
    objective: 'string', // availability | freshness | latency
    target: 'double', // wanted share of good events: 0.999
    window: 'duration',
    threshold: 'duration', // longest good run, or greatest age of a good CRL
    good: 'int', // events in whole days (UTC), as many as the window has
    total: 'int',
    observed: 'duration', // hours of these days that have events
    excluded: 'duration', // of the window, by maintenance
    budget: 'duration', // how long it may be bad in the window
    budgetLeft: 'duration',
    budgetRemaining: 'double', // the same as a share; below 0 when overspent
    burn5m: 'double', // share of bad events in this time, as a multiple of what the target allows
    burn30m: 'double',
    burn1h: 'double',
    burn2h: 'double',
    burn6h: 'double',
    burn1d: 'double',
    burn3d: 'double',
    bad1h: 'int', // bad events in this time
    bad6h: 'int',
    maintained: 'list<string>', // hours that maintenance covers in part: `2026-11-22T10Z 1800000 29/30`, milliseconds of it and what counts
  },
  /** The monitor, as it sees itself. While nothing happens each value stays as it is, so that runs repeat. */
  monitor: {
    alertReceivers: 'int', // Alertmanagers that are configured
    alertsFailing: 'list<string>', // those of them that did not take the newest request
    alertsUndelivered: 'int', // alerts and ends of alerts that a receiver does not have, the most at any one
    alertsDelivered: 'timestamp', // while one fails: when it last took everything, the earliest; absent if one never did
    controlPlanes: 'int', // that are configured
    repairsUndelivered: 'int', // requests for repairs that none has taken; absent where there is none
    journalRefused: 'duration', // the newest time for which the journal took no records; 0: none since the start
    journalRefusedUntil: 'timestamp', // its end, where there was one
    storeLag: 'duration', // for how long the store has lacked a record
    usesElasticsearch: 'bool',
    elasticsearchLag: 'duration', // the same, where it is used
    diskFree: 'int', // octets, within 5 %; of journal and store the disk that is fuller
    diskFreeShare: 'int', // percent
    diskPath: 'string',
    targets: 'int',
    targetsOverdue: 'int', // without a run for three intervals and a timeout
    overdue: 'list<string>', // some of them
    clockStep: 'duration', // by how much the clock was last set, or the machine slept; 0: not since the start
    clockStepDirection: 'string', // '' | forward | back
    clockSteppedAt: 'timestamp',
    clockSources: 'int', // probed hosts that said the time in the last hour; 3 stands for more
    clockOffset: 'duration', // how far their median is from our clock; 0: less than 10 s
    clockOffsetDirection: 'string', // '' | ahead | behind: how our clock goes
    configurationCurrent: 'bool', // the newest configuration that it was told to load is in force
    sourcesFailing: 'list<string>', // logs that cannot be read
    problems: 'list<string>', // parts in trouble that no other fact is about
    memory: 'int', // octets resident, within 10 %
    memoryLimit: 'int', // octets that the process may have; 0: as many as the machine has
  },
} as const satisfies Record<string, Record<string, FactType>>

export type FactGroup = keyof typeof FACTS

interface JsonTypes {
  bool: boolean
  int: number
  double: number
  string: string
  timestamp: string
  duration: number
  'list<string>': readonly string[]
}

/** The facts of one group as JSON holds them, every one optional. */
export type FactsOf<G extends FactGroup> = {
  readonly [K in keyof (typeof FACTS)[G]]?: (typeof FACTS)[G][K] extends FactType
    ? JsonTypes[(typeof FACTS)[G][K]]
    : never
}

export type Facts = { readonly [G in FactGroup]?: FactsOf<G> }
