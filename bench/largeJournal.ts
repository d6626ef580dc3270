// Fills a journal up to a size, a new one or one that `collectWorker journal` made: hours with audit events, OCSP answers that are kept, runs without a change, and
// CRLs, of which most octets are. What is random in reality is random here. For a look at `vigil verify` by hand:
//   node bench/largeJournal.ts DIRECTORY GIGABYTES; /usr/bin/time -v vigil verify DIRECTORY --trust DIRECTORY/vkey
import { randomBytes, randomFillSync } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { openJournal } from '../journal/journal.ts'
import type { NewRecord } from '../model/record.ts'
import { toTimestamp } from '../model/time.ts'

const [directory = '', gigabytes = '10'] = process.argv.slice(2)
const HOUR_MS = 3_600_000
const QUESTIONS = 300
const OCSP_OCTETS = 1100
const RUNS = 10_000
/** A CRL of a million entries; serial numbers, which do not compress, are half of it. */
const CRL_OCTETS = 42_000_000

const vkey = join(directory, 'vkey')
const origin = existsSync(vkey) ? (/^(.+)\/\d+\+/.exec(readFileSync(vkey, 'utf8'))?.[1] ?? '') : 'vigil.bench'
let now = Date.now()
const journal = await openJournal({
  directory,
  origin,
  keyFile: `${directory}.key.pem`,
  now: () => now,
  random: randomBytes,
  sealInterval: 0,
})
const crl = Buffer.alloc(CRL_OCTETS, 'revoked')
for (let octets = 0; octets < Number(gigabytes) * 1e9; octets += CRL_OCTETS / 2 + QUESTIONS * OCSP_OCTETS) {
  now += HOUR_MS
  const [first] = await journal.append([await crlObservation()])
  await journal.append(await Promise.all(Array.from({ length: QUESTIONS }, (_, i) => ocspObservation(i))))
  const { entry, n } = first?.position ?? { entry: 0, n: 0 }
  const items = Array.from({ length: RUNS }, (_, i) => [entry, n, i * 300, 12] as const)
  await journal.append([{ kind: 'unchanged', time: toTimestamp(now), body: { items } }])
}
await journal.close()

async function crlObservation(): Promise<NewRecord> {
  randomFillSync(crl, 0, CRL_OCTETS / 2)
  const artifact = await journal.putArtifact({ bytes: crl, mediaType: 'application/pkix-crl' })
  return observation('ca_crl[issuing-1]', 'crl', artifact)
}

async function ocspObservation(question: number): Promise<NewRecord> {
  const bytes = randomBytes(OCSP_OCTETS)
  const artifact = await journal.putArtifact({ bytes, mediaType: 'application/ocsp-response' })
  return observation(`deployed_service_cert[service-${question},prod]`, 'ocsp', artifact)
}

function observation(
  subject: string,
  probe: 'crl' | 'ocsp',
  artifact: Awaited<ReturnType<typeof journal.putArtifact>>,
): NewRecord {
  const time = toTimestamp(now)
  const facts = { authority: { id: 'issuing-1', class: 'online' } } as const
  const run = { target: `http://${probe}.example/`, vantage: 'bench', start: time, duration: 12 }
  const body = { subject, probe, ...run, outcome: 'success', facts, artifacts: [artifact] } as const
  return { kind: 'observation', time, body }
}
