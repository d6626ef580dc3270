// CRL probes in a process of its own, for bench/crlProbe.ts, after one to warm up. Prints CPU seconds of each, peak resident octets, and in
// milliseconds the longest turn of the event loop and the longest that a timer was late.
// Usage: crlProbeWorker full|conditional URL ISSUER ROUNDS
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { parseCertificate } from '../pki/certificate.ts'
import { Delegations } from '../pki/ocspSigner.ts'
import { probeCrl } from '../probes/crl.ts'
import { followPolicy } from '../probes/fetch/follow.ts'
import { systemNames } from '../probes/fetch/resolve.ts'
import { RecordedMemory } from '../probes/memory.ts'
import { NO_LEDGER } from '../probes/reconciliation/ledger.ts'
import type { CrlTarget, ProbeContext } from '../probes/probe.ts'
import { longestTurn } from './turns.ts'

const [what = '', url = '', issuerFile = '', rounds = '1'] = process.argv.slice(2)
/** Milliseconds; nothing here is about it. */
const TIMEOUT = 600_000

const target: CrlTarget = {
  probe: 'crl',
  subject: 'ca_crl[bench]',
  address: url,
  url,
  interval: TIMEOUT,
  timeout: TIMEOUT,
  fullEvery: what === 'full' ? 0 : Infinity,
  issuer: {
    id: 'bench',
    class: 'online',
    certificate: parseCertificate(readFileSync(issuerFile)),
    ancestors: [],
  },
  distribution: undefined,
  issued: [],
}
const memory = new RecordedMemory([target])
const context: ProbeContext = {
  now: Date.now,
  vantage: 'bench',
  maxSize: 2 ** 30,
  random: (octets) => randomBytes(octets),
  delegations: new Delegations(),
  memory,
  ledger: NO_LEDGER,
  artifact: () => Promise.resolve(undefined),
  names: systemNames(),
  follow: followPolicy({ networks: [], declared: [] }),
  signal: new AbortController().signal,
}

async function probe(): Promise<void> {
  const { observation } = await probeCrl(target, context)
  if (observation.outcome === 'failure') throw new Error(observation.error?.message)
  memory.remember(observation)
}

function cpu(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

await probe()
const start = cpu()
for (let i = 0; i < Number(rounds); i++) await probe()
const used = (cpu() - start) / Number(rounds)
const late = monitorEventLoopDelay({ resolution: 1 })
late.enable()
await probe()
late.disable()
const turn = await longestTurn(probe)
const peak = Number(/VmHWM:\s+(\d+) kB/.exec(readFileSync('/proc/self/status', 'latin1'))?.[1] ?? NaN)
console.log(JSON.stringify({ cpu: used, rss: peak * 1024, turn, late: late.max / 1e6 }))
