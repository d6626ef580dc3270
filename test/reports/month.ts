import type { Finding } from '../../model/finding.ts'
import type { Observation } from '../../model/observation.ts'
import type { SealedRecord } from '../../model/record.ts'
import { toTimestamp } from '../../model/time.ts'
import { at, MemoryJournal, type ActionFields } from './records.ts'

// October 2026 of a small bank's PKI, as the journal would hold it: three CAs, six services, one look at everything each
// five minutes, and the things that go wrong in a month.

const MINUTE = 60_000
const STEP = 5 * MINUTE

interface Spec {
  subject: string
  /** Usual duration in ms. */
  typical: number
  run: Partial<Observation>
}

function spec(subject: string, typical: number, run: Partial<Observation>): Spec {
  return { subject, typical, run: { ...run, subject } }
}
const tls = (id: string, owner: string, typical: number): Spec =>
  spec(`service_tls_health[${id},prod]`, typical, {
    probe: 'tls',
    target: `${id}.bank.example:443`,
    facts: { service: { id, environment: 'prod', owner } },
  })
const crl = (id: string, authorityClass: string): Spec =>
  spec(`ca_crl[${id}]`, 22, {
    probe: 'crl',
    target: `http://crl.bank.example/${id}.crl`,
    facts: { authority: { id, class: authorityClass } },
  })
const ocsp = (id: string): Spec =>
  spec(`ocsp_responder_status[${id}]`, 35, {
    probe: 'ocsp',
    target: `http://ocsp.bank.example/${id}`,
    facts: { authority: { id, class: 'online' } },
  })

export const HOSTILE_USER = 'CN=<script>alert(1)</script>${jndi:ldap://x}\u001b[31m\u202Etxt.exe'

const SPECS: Spec[] = [
  crl('root', 'offline'),
  crl('issuing-1', 'online'),
  crl('issuing-2', 'online'),
  ocsp('issuing-1'),
  ocsp('issuing-2'),
  tls('shop', 'E-commerce', 48),
  tls('payments', 'Payment systems', 61),
  tls('mobile-api', 'Mobile banking', 55),
  tls('hr', 'Human resources', 90),
  tls('partner-gw', 'Partner integration', 130),
  tls('mail', 'Workplace', 75),
]

/** When a target failed, with which error. */
const OUTAGES: { subject: string; from: number; to: number; error: NonNullable<Observation['error']> }[] = [
  {
    subject: 'ocsp_responder_status[issuing-2]',
    from: at('2026-10-12T08:00'),
    to: at('2026-10-12T08:40'),
    error: {
      phase: 'connect',
      code: 'refused',
      message: 'expected a connection to ocsp.bank.example:80, got ECONNREFUSED',
    },
  },
  {
    subject: 'service_tls_health[hr,prod]',
    from: at('2026-10-28T11:10'),
    to: at('2026-11-02T00:00'),
    error: {
      phase: 'consistency',
      code: 'identity_mismatch',
      message: 'expected the identity hr.bank.example, got intranet.bank.example',
    },
  },
  {
    subject: 'ca_crl[issuing-1]',
    from: at('2026-10-20T22:00'),
    to: at('2026-10-20T22:15'),
    error: { phase: 'http', code: 'status', message: 'expected HTTP 200, got 503 Service Unavailable' },
  },
]

/** The month, and a day on both sides. */
export function realisticMonth(): MemoryJournal {
  const journal = new MemoryJournal()
  const random = mulberry(20261001)
  const events = script(journal)
  const full = new Map<string, { record: SealedRecord; failing: boolean }>()
  journal.seal(at('2026-09-30T00:00'), {
    kind: 'epoch',
    time: toTimestamp(at('2026-09-30T00:00')),
    body: { reason: 'new', previous: null },
  })
  journal.tick(at('2026-09-30T00:00'), 'start')
  configure(journal, at('2026-09-30T00:00:01.000Z'), 'ops (uid 1001)', '7c')
  for (let t = at('2026-09-30T00:00'); t < at('2026-11-01T06:00'); t += STEP) {
    for (let event = events[0]; event !== undefined && event.at <= t; event = events[0]) {
      events.shift()
      event.run()
    }
    if (t > at('2026-10-09T14:02') && t < at('2026-10-09T16:40')) continue
    const items: [number, number, number, number][] = []
    for (const spec of SPECS) {
      const outage = OUTAGES.find((o) => o.subject === spec.subject && t >= o.from && t < o.to)
      const known = full.get(spec.subject)
      const duration = Math.round(spec.typical * (0.8 + 0.5 * random() ** 4 + (random() > 0.997 ? 9 : 0)))
      if (known?.failing === (outage !== undefined)) {
        const { entry, n } = known.record.position
        items.push([entry, n, Math.floor(random() * 1000), duration])
        continue
      }
      const failure = outage === undefined ? {} : { outcome: 'failure' as const, error: outage.error }
      const run = { ...spec.run, ...failure }
      const record = journal.observe(t, { ...run, duration })
      full.set(spec.subject, { record, failing: outage !== undefined })
    }
    const tick = { kind: 'tick', time: toTimestamp(t + 1000), body: { reason: 'interval' } } as const
    journal.seal(t + 1000, tick, { kind: 'unchanged', time: toTimestamp(t), body: { items } })
  }
  return journal
}

interface Event {
  at: number
  run: () => void
}

function script(journal: MemoryJournal): Event[] {
  const events: Event[] = []
  const plan = (ms: number, run: (ms: number) => void) => events.push({ at: ms, run: () => run(ms) })
  const decide = (time: string, finding: Partial<Finding> & { state: Finding['state'] }) =>
    plan(at(time), (ms) => journal.decide(ms, { evidence: [newest(journal)], ...finding }))
  const act = (time: string, action: ActionFields) =>
    plan(at(time), (ms) => journal.act(ms, { evidence: [newest(journal)], ...action }))

  for (const { subject } of SPECS) {
    if (subject.startsWith('ca_crl'))
      decide('2026-09-30T00:00:02.000Z', { subject, state: 'pass', summary: 'CRL is 2 h old' })
    if (subject.startsWith('ocsp'))
      decide('2026-09-30T00:00:02.000Z', {
        ...OCSP_AVAILABLE,
        subject,
        state: 'pass',
        summary: 'answered in 35 ms',
      })
    if (subject.startsWith('service')) {
      decide('2026-09-30T00:00:02.000Z', {
        ...LIFETIME,
        subject: deployed(subject),
        state: 'pass',
        summary: '61 d left',
      })
      decide('2026-09-30T00:00:02.000Z', {
        ...MAX_LIFETIME,
        subject: deployed(subject),
        state: 'pass',
        summary: '90 d',
      })
    }
  }

  // A certificate that lives too long was there before the month, and stays.
  const mail = {
    ...MAX_LIFETIME,
    subject: 'deployed_service_cert[mail,prod]',
    target: 'mail.bank.example:443',
  }
  decide('2026-09-30T09:00:02.000Z', {
    ...mail,
    state: 'fail',
    summary: 'the certificate is valid for 730 d, the policy allows 398 d',
  })

  // A stale CRL, repaired by the control plane.
  const stale = { subject: 'ca_crl[issuing-1]', target: 'http://crl.bank.example/issuing-1.crl' }
  decide('2026-10-03T02:10:02.000Z', {
    ...stale,
    state: 'fail',
    summary: 'thisUpdate is 24 h 0 min old, the policy allows 24 h',
  })
  const reissue = { id: 'rem-01JB0V6E9T8S', rule: 'crl_freshness_ok', subject: 'ca_crl[issuing-1]' }
  const crlAlert = {
    kind: 'alert',
    id: 'alert-crl-1',
    receiver: 'https://alertmanager.bank.example',
  } as const
  act('2026-10-03T02:10:03.000Z', { ...crlAlert, status: 'sent' })
  act('2026-10-03T02:10:03.500Z', { ...reissue, status: 'requested', detail: 'reissue_crl issuing-1' })
  act('2026-10-03T02:10:04.000Z', { ...reissue, status: 'accepted', detail: 'HTTP 202, run 7f0a2c' })
  decide('2026-10-03T02:15:02.000Z', { ...stale, state: 'pass', summary: 'CRL is 4 min old' })
  act('2026-10-03T02:15:03.000Z', { ...reissue, status: 'verified', detail: 'CRL number 1842 on the wire' })
  act('2026-10-03T02:15:03.000Z', { ...crlAlert, status: 'resolved' })

  // The OCSP responder is away: availability fails, status is unknown.
  const responder = {
    subject: 'ocsp_responder_status[issuing-2]',
    target: 'http://ocsp.bank.example/issuing-2',
  }
  const status = { ...responder, rule: 'ocsp_status_good', severity: 'critical' } as const
  const ocspAlert = {
    kind: 'alert',
    id: 'alert-ocsp-2',
    rule: OCSP_AVAILABLE.rule,
    subject: responder.subject,
    receiver: 'https://alertmanager.bank.example',
  } as const
  decide('2026-10-12T08:00:03.000Z', {
    ...OCSP_AVAILABLE,
    ...responder,
    state: 'fail',
    summary: 'connect: refused; no answer within 2 s',
    facts: { probe: { outcome: 'failure', phase: 'connect', code: 'refused', duration: 3 } },
  })
  act('2026-10-12T08:00:04.000Z', { ...ocspAlert, status: 'undelivered', detail: 'HTTP 502' })
  act('2026-10-12T08:01:04.000Z', { ...ocspAlert, status: 'sent', detail: '' })
  decide('2026-10-12T08:10:02.000Z', {
    ...status,
    state: 'unknown',
    summary: 'no verified answer for 10 min',
    facts: {},
  })
  decide('2026-10-12T08:40:03.000Z', {
    ...OCSP_AVAILABLE,
    ...responder,
    state: 'pass',
    summary: 'answered in 31 ms',
  })
  decide('2026-10-12T08:40:03.000Z', { ...status, state: 'pass', summary: 'good' })
  act('2026-10-12T08:40:04.000Z', { ...ocspAlert, status: 'resolved' })

  // A certificate near expiry; the first repair does not help.
  const partner = {
    ...LIFETIME,
    subject: 'deployed_service_cert[partner-gw,prod]',
    target: 'partner-gw.bank.example:443',
  }
  decide('2026-10-17T06:30:02.000Z', {
    ...partner,
    state: 'fail',
    summary: 'the certificate expires in 29 d 23 h, the policy asks for 30 d',
  })
  const rotate = { rule: LIFETIME.rule, subject: partner.subject, detail: 'rotate_certificate partner-gw' }
  act('2026-10-17T06:30:03.000Z', { ...rotate, id: 'rem-01JBC0A1', status: 'requested' })
  act('2026-10-17T06:30:04.000Z', { ...rotate, id: 'rem-01JBC0A1', status: 'accepted', detail: 'HTTP 202' })
  act('2026-10-17T06:40:04.000Z', {
    ...rotate,
    id: 'rem-01JBC0A1',
    status: 'ineffective',
    detail: 'the old certificate is still served after 10 min',
  })
  act('2026-10-19T09:00:04.000Z', { ...rotate, id: 'rem-01JBHMZ4', status: 'requested' })
  act('2026-10-19T09:00:05.000Z', { ...rotate, id: 'rem-01JBHMZ4', status: 'accepted', detail: 'HTTP 202' })
  decide('2026-10-19T09:05:02.000Z', { ...partner, state: 'pass', summary: '90 d left' })
  act('2026-10-19T09:05:03.000Z', {
    ...rotate,
    id: 'rem-01JBHMZ4',
    status: 'verified',
    detail: 'serial 5be1… served',
  })

  // A wrong certificate, still served at the end.
  const hr = {
    subject: 'service_tls_health[hr,prod]',
    rule: 'tls_identity_ok',
    target: 'hr.bank.example:443',
  }
  decide('2026-10-28T11:10:02.000Z', {
    ...hr,
    state: 'fail',
    summary: 'the served certificate is for intranet.bank.example',
    facts: {
      tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384', identityMatches: false, pathValid: true },
      certificate: {
        subject: 'CN=intranet.bank.example,O=Example Bank,C=SE',
        serial: '3236c1ebc332cb8ac6f8f663b344af9810f37a65',
        identities: ['intranet.bank.example', 'www.intranet.bank.example'],
        sha256: '9d'.repeat(32),
      },
    },
    parameters: {},
  })

  plan(at('2026-10-09T16:40'), (ms) => journal.tick(ms, 'start'))
  plan(at('2026-10-25T03:00:30.000Z'), (ms) => journal.tick(ms, 'stop'))
  plan(at('2026-10-25T03:03:10.000Z'), (ms) => {
    journal.tick(ms, 'start')
    configure(journal, ms + 10, 'alice (uid 1004)', 'e1')
  })
  audit(journal, plan)
  return events.sort((a, b) => a.at - b.at)
}

function audit(journal: MemoryJournal, plan: (ms: number, run: (ms: number) => void) => void): void {
  const line = (time: string, fields: Parameters<MemoryJournal['audit']>[1], delay?: number) =>
    plan(at(time), (ms) => journal.audit(ms, fields, delay))
  const ca = { caName: 'IssuingCA1', caId: '-73217329' }
  for (let day = 1; day <= 31; day++) {
    const date = `2026-10-${String(day).padStart(2, '0')}`
    for (const [hour, number] of [
      ['02', day * 2],
      ['14', day * 2 + 1],
    ] as const)
      line(`${date}T${hour}:12`, {
        action: 'CRL_CREATION',
        user: 'Application internal',
        message: `Created CRL with number ${1800 + number} for CA 'IssuingCA1'.`,
        pki: { ...ca, crlNumber: String(1800 + number) },
      })
    for (let i = 0; i < (day % 7 > 4 ? 1 : 4); i++)
      line(`${date}T1${i}:3${i}`, {
        action: 'CERT_CREATION',
        user: 'CN=ra-service,O=Example Bank,C=SE',
        pki: {
          ...ca,
          profile: i === 3 ? 'TLS-CLIENT' : 'TLS-SERVER',
          subject: `CN=node-${day}-${i}.bank.example,O=Example Bank,C=SE`,
          serial: (day * 7919 + i * 104_729).toString(16).padStart(8, '0') + 'c332cb8ac6f8f663b344af98',
        },
      })
    for (let i = 0; i < 60; i++)
      line(`${date}T09:${String(i).padStart(2, '0')}`, {
        action: 'ACCESS_CONTROL',
        user: 'CN=ra-service,O=Example Bank,C=SE',
        pki: ca,
      })
  }
  line('2026-10-05T10:00', {
    action: 'CERT_REVOKED',
    user: 'CN=ra-admin-2,O=Example Bank,C=SE',
    message: "Revoked certificate for username 'bob'",
    pki: { ...ca, serial: '3236c1ebc332cb8ac6f8f663b344af9810f37a65', username: 'bob', revocationReason: 1 },
  })
  line('2026-10-21T10:00', {
    action: 'CERT_REVOKED',
    user: 'CN=ra-admin-1,O=Example Bank,C=SE',
    pki: {
      ...ca,
      serial: '6bb4c8ec698a12cab088f8df6b5d4143925d3dfd',
      username: 'pos-114',
      revocationReason: 4,
    },
  })
  line('2026-10-08T13:20', {
    action: 'CERTPROFILE_EDITING',
    user: 'CN=ca-admin,O=Example Bank,C=SE',
    message: 'Certificate profile TLS-SERVER edited; changed:encodedvalidity=730d',
    pki: { profile: 'TLS-SERVER' },
  })
  line('2026-10-08T13:50', {
    action: 'CERTPROFILE_EDITING',
    user: 'CN=ca-admin,O=Example Bank,C=SE',
    message: 'Certificate profile TLS-SERVER edited; changed:encodedvalidity=90d',
    pki: { profile: 'TLS-SERVER' },
  })
  line('2026-10-15T16:02', {
    action: 'ROLE_ACCESS_USER_ADDITION',
    user: 'CN=SuperAdmin',
    message: 'Added administrator aspect(s) ra-admin-3 to role RA Administrators.',
  })
  line('2026-10-27T04:40', {
    action: 'CRYPTOTOKEN_DEACTIVATION',
    user: 'CN=ca-admin,O=Example Bank,C=SE',
    pki: { ...ca, key: 'token 2037871840' },
  })
  line('2026-10-27T04:41', {
    action: 'CRYPTOTOKEN_ACTIVATION',
    user: 'CN=ca-admin,O=Example Bank,C=SE',
    pki: { ...ca, key: 'token 2037871840' },
  })
  for (const [i, user] of ['CN=mallory,O=Other,C=SE', 'CN=mallory,O=Other,C=SE', HOSTILE_USER].entries())
    line(`2026-10-1${i}T01:0${i}`, {
      action: 'ADMINWEB_ADMINISTRATORLOGGEDIN',
      outcome: 'failure',
      user,
      message: 'Client certificate has no access',
    })
  line(
    '2026-10-09T15:00',
    { action: 'CA_USERAUTH', outcome: 'failure', user: 'ejbca', pki: { ...ca, username: 'bob' } },
    6_000_000,
  )
  line('2026-10-30T03:00', { action: 'unparsed', outcome: 'unknown' })
}

const OCSP_AVAILABLE = {
  rule: 'ocsp_responder_available',
  parameters: { max_duration: '2s' },
  facts: {},
} as const
const LIFETIME = {
  rule: 'cert_lifetime_threshold',
  severity: 'warning',
  parameters: { min_remaining: '30d' },
  facts: {
    certificate: { subject: 'CN=service', notAfter: '2026-11-16T06:30:00.000Z', keyAlgorithm: 'EC P-256' },
  },
} as const
const MAX_LIFETIME = {
  rule: 'cert_max_lifetime_policy',
  severity: 'warning',
  parameters: { max_lifetime: '398d' },
  facts: {
    certificate: {
      notBefore: '2026-01-01T00:00:00.000Z',
      notAfter: '2028-01-01T00:00:00.000Z',
      keyAlgorithm: 'RSA',
      keyBits: 2048,
    },
  },
} as const

function deployed(subject: string): string {
  return subject.replace('service_tls_health', 'deployed_service_cert')
}

function newest(journal: MemoryJournal): string {
  return journal.entries.findLast((e) => e[0]?.kind === 'observation')?.[0]?.id ?? ''
}

function configure(journal: MemoryJournal, ms: number, by: string, digest: string): void {
  journal.add(ms, {
    kind: 'configuration',
    time: toTimestamp(ms),
    body: {
      by,
      product: '0.1.0',
      artifacts: [
        {
          name: 'vigil.yaml',
          digest: digest.repeat(32),
          mediaType: 'application/yaml',
          size: 4180,
          kept: true,
        },
        {
          name: 'internal-pki',
          digest: '5a'.repeat(32),
          mediaType: 'application/yaml',
          size: 6024,
          kept: true,
        },
      ],
    },
  })
}

/** Small seeded generator, so that the month is the same every time. */
function mulberry(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296
  }
}
