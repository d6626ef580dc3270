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
    freshFor: 'duration', // how long caches may serve it, by Cache-Control (RFC 9111 section 4.2.1); 0: not at all
    freshUntil: 'timestamp', // until when, by Expires, where Cache-Control does not say it
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
    hasNumber: 'bool',
    baseNumber: 'string', // decimal; of a delta CRL
    hasIssuingDistributionPoint: 'bool',
    scope: 'string', // the issuing distribution point in words, with a digest of it; '' without one
    distributionPoints: 'list<string>', // URLs in it
    deltaUrls: 'list<string>', // where the CRL says that its delta CRLs are (RFC 5280 5.2.6)
    entriesWithoutReason: 'int',
    reasons: 'list<string>', // how many entries have each reason: `keyCompromise 3`
  },
  /** What the inventory declares about the address of a CRL. */
  distribution: {
    url: 'string',
    urls: 'list<string>', // addresses of the same CRL, this one included; for a delta CRL those of its base too
    deltaUrls: 'list<string>', // of its delta CRL
    scheduled: 'bool', // it is said when CRLs are issued
    partitioned: 'bool', // the CRL is one of several that share the certificates of the authority
    partition: 'string', // which; absent where there is one only
    isDelta: 'bool',
  },
  /** A CRL beside the one that was seen before it at the same address. Nothing changes until the next one is seen. */
  crlSeries: {
    compared: 'bool', // false: it is the first that was seen
    previousNumber: 'string',
    previousThisUpdate: 'timestamp',
    previousSha256: 'string',
    newestNumber: 'string', // the highest that was ever seen here
    newestSha256: 'string', // of that CRL
    numberIncreased: 'bool', // above the highest that was seen before; absent for CRLs without numbers
    numbersMissing: 'int', // numbers between that and this one
    countsByOne: 'bool', // two CRLs in a row were seen to have adjacent numbers: numbers are no times
    isOlder: 'bool', // thisUpdate is before that of the previous one; what follows is then still about the newer one
    scopeChanged: 'bool',
    previousScope: 'string',
    previousEntries: 'int', // what follows is about complete CRLs only
    added: 'int',
    removed: 'int', // of these:
    removedExpired: 'int', // whose certificate had expired when the previous CRL was issued, as RFC 5280 3.3 wants it
    removedEarly: 'int', // whose certificate expired since
    removedFromHold: 'int', // that were on hold
    removedUnknown: 'int', // whose certificate is not known
    vanished: 'int', // whose certificate has not expired; absent where that is known of none, and some are not known
    vanishedSerials: 'list<string>', // some of them
    reasonsLost: 'int', // entries that had a reason and have none
    reasonsChanged: 'int', // that have another, but keyCompromise, which may come to light later, or one after a hold
    datesChanged: 'int', // that have another revocationDate
    changed: 'list<string>', // some of these: `2a superseded -> none`
  },
  /** When the next CRL is due by the schedule that the inventory declares. */
  crlSchedule: {
    nextDue: 'timestamp', // a CRL that is issued later is late
    schedule: 'string', // as declared
  },
  /** All CRLs of an authority, as their own probes saw them last: copies, partitions, deltas. */
  crlSet: {
    addresses: 'int',
    partitions: 'int', // that are declared
    deltas: 'int',
    missing: 'list<string>', // declared partitions of which no address gives a CRL
    numberingGaps: 'list<string>', // partitions between those that are declared
    undeclared: 'list<string>', // URLs that certificates and CRLs of the authority name and the inventory does not
    differing: 'list<string>', // addresses with another CRL than the newest of their copies
    listedTwice: 'int', // certificates on more than one partition; absent where not every partition is at hand
    twice: 'list<string>', // some of them
    deltasUnusable: 'list<string>', // delta CRLs that fit no complete CRL that is published, and why
    compared: 'string', // digest of what the partitions were when they were compared
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
    responderSerial: 'string', // of the certificate that signed
    responderNotBefore: 'timestamp',
    responderNotAfter: 'timestamp',
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
  /** What one responder says when the same is asked in other ways; an outcome is a status or the code of a failure. */
  ocspMatrix: {
    answers: 'list<string>', // to each way of asking about the known-good certificate: `get sha256 nonce: good`
    post: 'string', // outcome of POST, SHA-1, without nonce
    getAgrees: 'bool', // each GET gives the outcome of the same question by POST, at every address
    getDiffering: 'list<string>', // the questions that do not, those of other addresses with it: `127.0.0.2: ocsp_expired`
    sha256Agrees: 'bool', // a CertID by SHA-256 gives the outcome of one by SHA-1
    nonce: 'string', // what becomes of one of 32 octets: echoed | ignored | the code of a failure
    encodedPath: 'string', // outcome of GET with `/` and `+` in the base64, percent-encoded; `same`: that of POST
    plainPath: 'string', // the same, left as they are
    revoked: 'string', // outcome for the certificate that is declared to be revoked
    served: 'int', // certificates of the authority that services were last seen to serve, as many as were asked about
    servedUnanswered: 'list<string>', // those without status: `4711: http_404`
    neverIssued: 'string', // outcome for a random serial number
    neverIssuedForm: 'bool', // where that is revoked: it has the form of RFC 6960 4.4.8
    caching: 'list<string>', // how headers of the answer to GET deviate from RFC 9919 section 6: codes
  },
  /** The statuses that a responder gives, beside the CRLs of the same authority. */
  crossCheck: {
    compared: 'int', // certificates
    status: 'list<string>', // those with another status: `4711: CRL revoked, OCSP good`
    dates: 'list<string>', // those that were revoked at another time
    reasons: 'list<string>', // those that were revoked for another reason
    since: 'timestamp', // where there is any: from when on they could agree
  },
  /** The published CRLs of an authority beside what its log says. Nothing changes until the log or a CRL says something new. */
  reconciliation: {
    logFrom: 'timestamp', // the first event about the authority: what is older is not judged
    told: 'list<string>', // what the log has every one of: issued, revoked (certificates), crls
    revocations: 'int', // certificates that the log says are revoked
    onCrl: 'int', // of these: on a CRL
    missing: 'int', // of these: on no CRL, and not expired
    missingSince: 'timestamp', // when the first of them was revoked; absent where there is none
    missingCertificates: 'list<string>', // some of them: serial number, when, and the record of the event
    undated: 'int', // revoked, on no CRL, and not judged: the log does not say when they expire, and they were on one, or revoked before the first look
    settledUntil: 'timestamp', // of those whose end is not known, revoked until then, it does not matter that they are on no CRL
    newestPublished: 'string', // serial number of the last revoked certificate that is on a CRL
    latency: 'duration', // from its revocation to its publication, where that was seen
    published: 'int', // revocations that were seen to come onto a CRL, since the log is watched
    publishedTime: 'duration', // what these took together
    publishedWithin: 'list<string>', // how many of them took at most so many seconds: `3600 12`
    unlogged: 'int', // entries of certificates revoked since then that the log knows no revocation of; absent where it does not tell, or not all of it is at hand
    unloggedEntries: 'list<string>', // some of them: serial number and revocationDate
    crlsUnlogged: 'list<string>', // CRLs, issued since then, that the log knows nothing of: address and number; absent where it does not tell
    compared: 'string', // digest of what the log and the CRLs were
    through: 'string', // record of the newest event about the authority that was compared
    crls: 'list<string>', // SHA-256 of the CRLs that were
  },
  /** The served certificate beside what the log of the service's authority says. */
  issuance: {
    status: 'string', // logged | not_logged | other_logged (with this serial number) | not_judged (of another authority, no valid path, or from before the log)
    serial: 'string',
    sha256: 'string',
    notBefore: 'timestamp',
    logFrom: 'timestamp', // the first event about the authority
    record: 'string', // of the newest event about the certificate
  },
  /** What a control plane reported to be deployed on a service, beside what the service was last seen to serve. Nothing changes until either does. */
  deployment: {
    reported: 'bool', // a control plane has reported any
    log: 'string', // of the control plane
    asset: 'string', // as it is called there, with its partition: `deployed_service_cert[prod|shop]`
    at: 'timestamp', // of the newest report
    record: 'string', // of its event
    serial: 'string', // as reported
    sha256: 'string',
    served: 'bool', // what was reported is served; absent where no run has seen the service since, or the report names no certificate
    servedSerial: 'string',
    servedSha256: 'string',
    servedRecord: 'string', // of the first observation that showed it beside this report
  },
  /** A job of a control plane that runs on a schedule, by what its log says (docs/probes/job.md). */
  job: {
    schedule: 'string', // as declared: cron expression and time zone
    state: 'string', // waiting (nothing was due yet) | silent (the log says nothing since it was due) | missed | running | succeeded | failed | ran (how it ended is not told)
    since: 'timestamp', // from when on times that were due are judged
    due: 'timestamp', // the time that is judged: the newest whose run has begun or should have
    runs: 'int', // for that time
    repeated: 'int', // of these: those that were done already, and are no retries
    started: 'timestamp', // the first of them
    late: 'duration', // how long after it was due
    grace: 'duration', // as declared: how late it may be
    duration: 'duration', // of the longest that is over
    runningSince: 'timestamp', // the oldest run that is not over
    maxDuration: 'duration', // as declared; absent where none is
    succeeded: 'bool', // for the newest time whose runs are over; absent before the first
    records: 'list<string>', // of the newest runs' events
    newest: 'list<string>', // the runs that are followed: asked for, start, end, outcome, kind, partition, schedule, id, record
  },
  /** Deployments that a log tells of. */
  deployments: {
    told: 'bool', // it does
    unmatched: 'list<string>', // those of the last day that name no service of the inventory, or several; the newest five: when, asset, record of the event
  },
  /** What the log of an authority says was issued, beside what is known of it otherwise. */
  issued: {
    logFrom: 'timestamp', // the first event about the authority
    certificates: 'int', // that were issued since, and are neither expired nor revoked; of these:
    expected: 'int', // declared in `authorities[].expected`
    inventoried: 'int', // served, replaced by what is served, in a file, asked about, or the signer of OCSP answers
    unknown: 'int', // all others
    undated: 'int', // certificates that the log does not say the end of: none of the above
    unknownSince: 'timestamp', // when the first of them was issued; absent where there is none
    unknownCertificates: 'list<string>', // the first of them: when, serial number, profile, and the record of the event
    unknownProfiles: 'list<string>', // how many of them by profile, the most first: `9 12`
    told: 'bool', // the log names every certificate that was issued
    unlogged: 'list<string>', // certificates of the authority that are not served, issued since the log begins, that it knows nothing of; absent where it does not name all, or they are too many
    full: 'bool', // there are more certificates in use than there is room for: newer ones are not known
    compared: 'string', // digest of what the log and the inventory were, and the hour
  },
  /** What clones of one authority, each known by its log, did that clones may not. */
  clones: {
    serialsTwice: 'int', // serial numbers that two of them gave
    serialsTwiceAt: 'timestamp', // when the newest was given again; absent where there is none
    serialsTwiceRecent: 'list<string>', // the newest five: when, serial number, and of both the log and its record
    serialsOutside: 'int', // serial numbers that one gave outside its range
    serialsOutsideAt: 'timestamp',
    serialsOutsideRecent: 'list<string>',
    crlsTwice: 'int', // CRL numbers that two of them gave; only of logs that name no fingerprints
    crlsTwiceAt: 'timestamp',
    crlsTwiceRecent: 'list<string>',
    serialsLeft: 'int', // percent of its range that the clone has left which has the least; absent where no range is declared
    serialsLeftOf: 'string', // its log
  },
  /** What a responder says of certificates that the log of its authority says are revoked. */
  ocspRevocations: {
    logFrom: 'timestamp', // the first event about the authority
    through: 'string', // record of the last event up to which revocations were asked about
    behind: 'int', // revocations after that one, which wait for their turn
    unpublished: 'int', // certificates whose revocation the responder does not know
    unpublishedSince: 'timestamp', // when the first of them was revoked; absent where there is none
    unpublishedCertificates: 'list<string>', // each: serial number, when, the responder's status, and the record of the event
    published: 'int', // revocations that the responder was seen to learn of
    publishedTime: 'duration', // what these took together
    publishedWithin: 'list<string>', // how many of them took at most so many seconds: `3600 12`
    unlogged: 'list<string>', // certificates that it says were revoked since the log begins, and the log does not: serial number and when; absent where the log does not name all
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
    caIssuerUrls: 'list<string>', // where the issuer's certificate is published (RFC 5280 4.2.2.1)
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
    quantumSafe: 'bool', // the key exchange withstands quantum computers, alone or as one half of a hybrid
    quantumSafeBefore: 'bool', // so it did in this run or an earlier one
  },
  /** The certificates of the handshake as they were sent (RFC 8446 section 4.4.2); of those that could be read. */
  chain: {
    sent: 'int',
    complete: 'bool', // from the leaf to the declared anchor with nothing but these and the anchor; absent where a signature on the way is wrong or unknown
    ordered: 'bool', // those on the way in the order of the way
    anchorSent: 'bool', // which nobody needs, and is allowed
    unneeded: 'list<string>', // subjects of those that no valid path goes through
    ocspSigners: 'list<string>', // subjects of CA certificates, the anchor too, that carry the purpose OCSPSigning
    unneededNotAfter: 'timestamp', // when the first of these ends; absent where there is none
  },
  /** The way from the leaf to the declared anchor that a client can build from what was sent; of several the one that lasts longest. */
  path: {
    length: 'int', // certificates, leaf and anchor included
    count: 'int', // valid paths; 8 stands for more
    notAfter: 'timestamp', // when its first certificate ends
    firstToEnd: 'string', // subject of that
    authoritiesNotAfter: 'timestamp', // when the first certificate above the leaf ends
    anchor: 'string', // subject
  },
  /** The OCSP answer that was sent in the handshake (RFC 6066 section 8), judged like any other. */
  staple: {
    present: 'bool',
    presentBefore: 'bool', // in this run or an earlier one
    valid: 'bool', // authentic, timely, and about the served certificate; absent where there is none, or it can't be judged
    error: 'string', // code of what is wrong
    status: 'string', // good | revoked | unknown; only of a valid one
    thisUpdate: 'timestamp', // of an authentic one
    nextUpdate: 'timestamp',
    revokedAt: 'timestamp',
    reason: 'string',
  },
  /** What the newest lists of the authorities say of the served certificate and of those above it (RFC 5280 section 6.3). */
  crlStatus: {
    status: 'string', // good | revoked | undetermined, of the served certificate
    error: 'string', // code of why it is not good
    revokedAt: 'timestamp',
    reason: 'string',
    authoritiesRevoked: 'list<string>', // subjects of revoked certificates above it
    certificate: 'string', // SHA-256 of what was asked about
    lists: 'list<string>', // SHA-256 of the lists that were asked
  },
  /** The served certificate beside others of the service that are or were known. */
  renewal: {
    newestServed: 'bool', // no address serves an older one than the newest that is known
    newestSerial: 'string',
    newestNotBefore: 'timestamp',
    newestSha256: 'string',
    newestFrom: 'string', // address | earlier run | file
  },
  /** Who else has the served certificate's key. */
  keyUse: {
    certificates: 'list<string>', // SHA-256 of the service's certificates with this key, over its renewals; at most 20
    sharedWith: 'list<string>', // other services that serve a certificate with this key; at most 20
  },
  /** URLs in the served certificate beside those that the inventory declares for its issuer. */
  locations: {
    undeclared: 'list<string>', // `crl http://…`, `ocsp http://…`, `ca_issuers http://…`
    declared: 'int', // those that both have
  },
  /** The publication of an authority's certificate where the certificates that it issues say that it is (RFC 5280 section 4.2.2.1). */
  aia: {
    urls: 'list<string>',
    good: 'list<string>', // with the authority's certificate, served as such
    missing: 'list<string>', // `http://… http_status`: nothing could be had, and why
    wrongType: 'list<string>', // `http://… text/html`: a media type other than RFC 5280 names
    wrongFormat: 'list<string>', // neither DER nor a bag of certificates
    wrongCertificate: 'list<string>', // of another name or key
  },
  /** What a service makes of certificates: accepted | refused | silent (it did not show it) | not_applicable (there is none to ask with). */
  mtls: {
    requested: 'bool', // the service asked for a certificate
    protocol: 'string', // as in tls.protocol
    overHttp: 'bool', // judged by what HTTP answered; else by the connection alone
    valid: 'string',
    without: 'string', // no certificate at all
    foreign: 'string',
    selfSigned: 'string',
    expired: 'string',
    revoked: 'string',
    acceptedAt: 'list<string>', // what was let in and where: `192.0.2.7 foreign`
  },
  /** The certificates that the prober shows. Of a TLS run the client certificate; of an mTLS run the one of the operator's that ends first. */
  prober: {
    configured: 'bool', // there is one
    subject: 'string',
    serial: 'string',
    notBefore: 'timestamp',
    notAfter: 'timestamp',
    certificates: 'list<string>', // every one that was shown, of an mTLS run: `foreign 706b69 CN=pki-vigil probe: foreign`
  },
  /** What a CA server or a control plane says of itself. */
  health: {
    system: 'string', // ejbca | ejbca_rest | certctl | dagster | dogtag
    ready: 'bool',
    status: 'string', // in its own words
    version: 'string',
    problems: 'list<string>', // in its own words
    daemons: 'int', // Dagster: that must run
    daemonsUnheard: 'list<string>', // those of them that never gave a heartbeat
    heartbeatAge: 'duration', // of the one that was heard longest ago, in whole minutes; 0: under two
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
  /** The newest backup of the journal, where vigil makes them. */
  backup: {
    made: 'timestamp', // when one was finished last; absent: never
    due: 'timestamp', // when the next one is
    failing: 'bool', // the newest attempt failed
    problem: 'string', // and why; ''
    place: 'string', // the directory, or the program that stores objects
    entries: 'int', // under the checkpoint of the newest
    octets: 'int', // that were copied for it
    duration: 'duration',
  },
  /** The newest attempt to restore a backup. */
  drill: {
    enabled: 'bool', // the other facts are there only then
    made: 'timestamp', // when one succeeded last; absent: never
    due: 'timestamp',
    failing: 'bool', // the newest attempt failed
    problem: 'string', // and why; ''
    epochs: 'int', // that were restored,
    entries: 'int', // their entries,
    records: 'int', // of which a store was made,
    artifacts: 'int', // their artifacts: every octet was verified
    documents: 'int', // of that store, which were compared
    duration: 'duration',
  },
  /** The journal of another vigil, which is mirrored; what was verified and taken over stays true when it does not answer. */
  follow: {
    log: 'string', // `<origin>/<epoch>`
    size: 'int', // entries that the mirror has under the checkpoint taken over last,
    root: 'string', // its root,
    grown: 'timestamp', // and when that was
    behind: 'int', // entries that the log has more: the next look takes them
    forked: 'bool', // it has signed two things that contradict each other
    rolledBack: 'bool', // it says that it has less than it had
  },
  /** An objective, its error budget and how fast that is spent; derived from runs (docs/slo.md). Without runs there is no value. */
  slo: {
    objective: 'string', // availability | freshness | latency | publication
    target: 'double', // wanted share of good events: 0.999
    window: 'duration',
    threshold: 'duration', // longest good run, greatest age of a good CRL, longest that a revocation may wait
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
  /** A log by what was journaled of it (docs/probes/log.md). While nothing is heard that matters each value stays as it is, so that runs repeat. */
  log: {
    heard: 'bool', // a record of it was ever journaled
    silent: 'bool', // for five minutes
    silentSince: 'timestamp', // while it is: when the newest record was written; of a log that was never heard: since when it is awaited
    usualPause: 'duration', // the second longest of `pauses`; absent until they are of three days
    pauses: 'list<string>', // the longest that ended on each of the last 14 days that had any: `2026-11-22 3600000`, in milliseconds
    unparsed: 'int', // records that were not understood, since the log is watched
    unparsedAt: 'timestamp', // the newest; absent where there is none
    unparsedRecent: 'list<string>', // the newest five, like every list of this kind
    gaps: 'int', // places where numbers of records are missing, or come again
    gapsAt: 'timestamp',
    gapsRecent: 'list<string>',
    setbacks: 'int', // times in the log that lie 5 s or more before the one that stood before them
    setbacksAt: 'timestamp',
    setbacksRecent: 'list<string>',
    setback: 'duration', // by how much the newest of these
    losses: 'int', // the file was cut, written anew, removed, or was gone: records may be missing
    lossesAt: 'timestamp',
    lossesRecent: 'list<string>',
    alterations: 'int', // documents of an index were deleted, changed or written over after they were read
    alterationsAt: 'timestamp',
    alterationsRecent: 'list<string>',
    signable: 'bool', // logs of this format can be signed
    badSignatures: 'int', // signatures that do not fit what they cover, and records that imitate one
    badSignaturesAt: 'timestamp',
    badSignaturesRecent: 'list<string>',
    unsignedSince: 'timestamp', // the first record after the last signature that verified, where that is five minutes ago
    through: 'string', // id of the newest record that changed a count
  },
  /** What a log says that concerns security. Counts are since the log is watched. */
  security: {
    failedLogins: 'int', // failed authentications in 10 minutes, of the one actor or address that has the most
    failedLoginsAll: 'int', // of all together, up to 1000
    failedLoginsBy: 'list<string>', // who has the most: `CN=mallory 12`
    denials: 'int', // somebody asked for what he may not
    denialsAt: 'timestamp',
    denialsRecent: 'list<string>',
    administratorIssuers: 'list<string>', // who issued the certificates of administrators, as the log names them
    newIssuers: 'int', // logins of administrators by the first certificate of another issuer than those before
    newIssuersAt: 'timestamp',
    newIssuersRecent: 'list<string>',
    violations: 'int', // requests that policy refused: profile, key parameters, lints
    violationsAt: 'timestamp',
    violationsRecent: 'list<string>',
    changeWindows: 'bool', // maintenance of this log is configured: other times are no times for changes
    unplannedChanges: 'int', // changes of configuration, roles, profiles, tokens or keys at such times
    unplannedChangesAt: 'timestamp',
    unplannedChangesRecent: 'list<string>',
    logChanges: 'int', // the log was exported, deleted or moved, or its verification failed
    logChangesAt: 'timestamp',
    logChangesRecent: 'list<string>',
    keyExports: 'int', // a private key left the authority
    keyExportsAt: 'timestamp',
    keyExportsRecent: 'list<string>',
    errors: 'int', // work of the authority that failed: CRLs, tokens, publishers, jobs
    errorsAt: 'timestamp',
    errorsRecent: 'list<string>',
    publishesQueued: 'int', // what publishers put off within an hour, up to 1000
  },
  /** What became of the requests for one repair of one subject (docs/probes/repair.md). */
  repair: {
    status: 'string', // of the newest request: none | requested | accepted | failed | verified | ineffective
    rule: 'string', // the one that asked for it
    requested: 'timestamp',
    inVain: 'int', // requests that the control plane took, and after which no repair was seen before the deadline; 0 when what failed is well again
    inVainSince: 'timestamp', // the first of them
    requestsInVain: 'list<string>', // ids of the newest five: the idempotency keys that the control plane was given
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
