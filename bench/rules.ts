// CPU time of the rule engine. Run: node bench/rules.ts [SUBJECTS, default 10000] [COPIES of internal-pki, default 1; or `all`: every shipped pack]
import { inventorySchema } from '../model/config.ts'
import type { Observation } from '../model/observation.ts'
import { type NewRecord, type SealedRecord } from '../model/record.ts'
import { formatRecordId } from '../model/recordId.ts'
import { toTimestamp } from '../model/time.ts'
import { lintFacts } from '../pki/lints/facts.ts'
import { LINTS, type LintEntry } from '../pki/lints/table.ts'
import { RuleEngine } from '../rules/engine.ts'
import { loadPack, SHIPPED_PACKS } from '../rules/loadPack.ts'
import { parsePack } from '../rules/pack.ts'
import type { WatchedTarget } from '../rules/subjects.ts'

const SUBJECTS = Number(process.argv[2] ?? 10_000)
/** Every shipped pack, and everything tagged as publicly trusted, so that each rule has something to judge. */
const isAll = process.argv[3] === 'all'
/** 12 copies are about 50 rules for each subject. */
const COPIES = isAll ? 1 : Number(process.argv[3] ?? 1)
const tags = isAll ? ['public-tls'] : []
const START = Date.parse('2026-11-22T08:00:00Z')
const DAY = 86_400_000

// An authority has two subjects (CRL, OCSP), a service two (health, certificate).
const count = Math.ceil(SUBJECTS / 4)
const numbers = Array.from({ length: count }, (_, i) => i)
const inventory = inventorySchema.parse({
  authorities: numbers.map((i) => ({
    id: `ca-${i}`,
    tags,
    certificate: 'ca.pem',
    crl: [{ url: `http://crl.test/${i}.crl` }],
    ocsp: [{ url: `http://ocsp.test/${i}`, serial: '1234' }],
  })),
  services: numbers.map((i) => ({ id: `s-${i}`, tags, endpoint: `s-${i}.test:443`, issuer: `ca-${i}` })),
})

const interval = 60_000
const targets = numbers.flatMap((i): WatchedTarget[] => [
  { probe: 'crl', subject: `ca_crl[ca-${i}]`, address: `http://crl.test/${i}.crl`, interval },
  { probe: 'ocsp', subject: `ocsp_responder_status[ca-${i}]`, address: `http://ocsp.test/${i}`, interval },
  { probe: 'tls', subject: `service_tls_health[s-${i},prod]`, address: `s-${i}.test:443`, interval },
])

let entry = 0
let now = START

function seal(records: readonly NewRecord[]): SealedRecord[] {
  const at = entry++
  return records.map((record, n) => ({
    ...record,
    id: formatRecordId('bench', 0, { entry: at, n }),
    position: { entry: at, n },
    recorded: toTimestamp(now),
  }))
}

/** Every lint of a kind was judged, and passed. */
function linted(...kinds: readonly LintEntry['kind'][]) {
  const judged = LINTS.filter(({ kind }) => kinds.includes(kind))
  return lintFacts(judged.map(({ id }) => ({ id, outcome: 'pass' })))
}
const LINTED = { crl: linted('crl'), ocsp: linted('ocsp', 'certificate'), tls: linted('certificate', 'ocsp') }

function observations(i: number): Observation[] {
  const start = toTimestamp(now)
  const common = { vantage: 'default', start, duration: 20, outcome: 'success', artifacts: [] } as const
  const signature = { signatureAlgorithm: 'ECDSA-SHA256', signatureStrength: 128, quantumSafe: false }
  const crl = {
    thisUpdate: toTimestamp(now - 3_600_000),
    nextUpdate: toTimestamp(now + DAY),
    issuer: `CN=ca-${i}`,
    number: '7',
    entries: 3,
    isDelta: false,
    ...signature,
  }
  const notBefore = toTimestamp(now - 30 * DAY)
  const certificate = {
    serial: 'ab',
    notBefore,
    notAfter: toTimestamp(now + 90 * DAY),
    identities: [`s-${i}.test`],
    subject: `CN=s-${i}.test`,
    issuer: `CN=ca-${i}`,
    keyAlgorithm: 'EC P-256',
    keyBits: 256,
    keyStrength: 128,
    keyUsage: ['digitalSignature'],
    extendedKeyUsage: ['serverAuth'],
    policies: [],
    ...signature,
  }
  const ocsp = {
    serial: '1234',
    status: 'good',
    thisUpdate: crl.thisUpdate,
    nextUpdate: crl.nextUpdate,
    producedAt: crl.thisUpdate,
    responder: 'CN=OCSP',
    responderDelegated: true,
    responderNoCheck: true,
    ...signature,
  }
  const tls = { pathValid: true, pathError: '', identityMatches: true }
  return [
    {
      ...common,
      subject: `ca_crl[ca-${i}]`,
      probe: 'crl',
      target: `http://crl.test/${i}.crl`,
      facts: { crl, lint: LINTED.crl },
    },
    {
      ...common,
      subject: `ocsp_responder_status[ca-${i}]`,
      probe: 'ocsp',
      target: `http://ocsp.test/${i}`,
      facts: { ocsp, lint: LINTED.ocsp },
    },
    {
      ...common,
      subject: `service_tls_health[s-${i},prod]`,
      probe: 'tls',
      target: `s-${i}.test:443`,
      facts: { tls, certificate, ocsp, lint: LINTED.tls },
    },
  ]
}

function measure<T>(what: string, work: () => T): T {
  const before = process.cpuUsage()
  const result = work()
  const { user, system } = process.cpuUsage(before)
  console.log(`${what.padEnd(60)} ${((user + system) / 1000).toFixed(1).padStart(9)} CPU-ms`)
  return result
}

const all = seal(
  numbers.flatMap(observations).map((body) => ({ kind: 'observation', time: body.start, body })),
)
const tick = (): SealedRecord[] => {
  now += 10_000
  return seal([{ kind: 'tick', time: toTimestamp(now), body: { reason: 'interval' } }])
}

const shipped = loadPack('internal-pki')
const packs = isAll
  ? SHIPPED_PACKS.map(loadPack)
  : Array.from({ length: COPIES }, (_, i) =>
      i === 0 ? shipped : parsePack(shipped.text.replaceAll(/^( *-? ?id: .*)$/gm, `$1${i}`), `copy ${i}`),
    )
const engine = measure('construction', () => {
  return new RuleEngine({ packs, inventory, parameters: {}, targets })
})
const pairs = engine.findings().length
console.log(
  `${inventory.authorities.length * 2 + inventory.services.length * 2} subjects, ${pairs} pairs of rule and subject`,
)
const changes = measure('full: first observation of every target, with decisions', () => engine.apply(all))
console.log(`  ${changes.length} decisions`)
const again = seal(
  numbers.flatMap(observations).map((body) => ({ kind: 'observation', time: body.start, body })),
)
measure('full: every target observed again, nothing changed', () => engine.apply(again))
const items = Array.from({ length: 3 * count }, (_, n) => [1, n, 0, 21] as const)
measure('incremental: every target unchanged (one minute of probes)', () =>
  engine.apply(seal([{ kind: 'unchanged', time: toTimestamp(now + 1), body: { items } }])),
)
const ticks = Array.from({ length: 10 }, tick)
measure('incremental: 10 ticks', () => {
  for (const batch of ticks) engine.apply(batch)
})
const one = observations(0).map((body): NewRecord => ({ kind: 'observation', time: body.start, body }))
const singles = Array.from({ length: 1000 }, () => seal(one))
measure('incremental: 3000 observations of one authority and service', () => {
  for (const batch of singles) engine.apply(batch)
})
measure('findings() of everything', () => engine.findings())
console.log(`peak memory ${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MB`)
