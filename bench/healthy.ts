// A whole vigil beside a lab that is well: no finding but pass, over CRLs and certificates that are issued anew. Ends with 1 when there was one.
//   node bench/healthy.ts [MINUTES]
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { loadConfig } from '../cli/load.ts'
import { createLogger } from '../cli/logger.ts'
import { startStack } from '../cli/stack.ts'
import { startLab } from '../lab/lab.ts'
import { writeVigilYaml } from '../lab/vigilYaml.ts'

const MINUTE_MS = 60_000
/** Rules that compare with what was seen before have nothing to say until then, and some wait for a second look. */
const WARM_UP_MS = MINUTE_MS
const minutes = Number(process.argv[2] ?? 30)

await using cleanup = new AsyncDisposableStack()
const directory = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
cleanup.defer(() => rmSync(directory, { recursive: true }))
const lab = cleanup.use(
  await startLab({
    directory: join(directory, 'lab'),
    now: Date.now,
    addresses: ['127.0.0.1', '127.0.0.2'],
    lifetimes: { crlInterval: 2 * MINUTE_MS },
  }),
)
const file = await writeVigilYaml(lab, {
  directory,
  enforcing: ['internal-api'],
  origin: 'vigil.bench',
  server: { listen: '127.0.0.1:0' },
  probes: {
    interval: '10s',
    ocsp_matrix: { interval: '1m' },
    ca: { interval: '1m' },
    mtls: { interval: '1m', timeout: '30s' },
  },
  rules: { packs: ['internal-pki', 'operations', 'rfc5280-6960', 'private-trust-zones'] },
})
const loaded = loadConfig(file, {})
if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems))
const stack = await startStack({
  loaded: loaded.value,
  now: Date.now,
  logger: createLogger(process.stderr, 'silent'),
  by: 'bench',
})
cleanup.defer(() => stack.stop())

const troubles = new Set<string>()
/** What rules give some time before they call it a failure: two copies of a CRL are not published in the same moment. */
const waited = new Set<string>()
const began = Date.now()
for (let renewals = 0; Date.now() < began + minutes * MINUTE_MS;) {
  await delay(1000)
  const passed = Date.now() - began
  if (passed < WARM_UP_MS) continue
  // A certificate on each service in turn, every five minutes.
  if (passed > (renewals + 1) * 5 * MINUTE_MS) {
    const { services } = lab.inventory
    await lab.remedy('rotate_certificate', services[renewals++ % services.length]?.id ?? '')
  }
  for (const { rule, subject, state, summary } of stack.findings()) {
    if (state === 'pass' || state === 'not_applicable') continue
    const key = `${rule} ${subject} ${state}`
    const seen = state === 'pending' ? waited : troubles
    if (!seen.has(key)) console.log(`${new Date().toISOString()} ${key}: ${summary}`)
    seen.add(key)
  }
}
const findings = stack.findings()
const passing = findings.filter(({ state }) => state === 'pass').length
const { targets, packs } = loaded.value
console.log(
  `${minutes} min, ${targets.length} targets, ${packs.length} packs, ${stack.journal.size} records: ${passing} of ${findings.length} findings pass, the others do not apply; ${waited.size} waited for a while, ${troubles.size} were anything else`,
)
process.exitCode = troubles.size === 0 ? 0 : 1
