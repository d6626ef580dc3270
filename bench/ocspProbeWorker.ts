// One side of bench/ocspProbe.ts in a process of its own.
// Usage: ocspProbeWorker serve ANSWER: a responder that has one answer. Prints its URL.
//        ocspProbeWorker probe CERTIFICATE ISSUER URL SECONDS CONCURRENCY: whole probes. Prints operations and CPU seconds. Files DER.
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { parseCertificate } from '../pki/certificate.ts'
import { Delegations } from '../pki/ocspSigner.ts'
import { followPolicy } from '../probes/fetch/follow.ts'
import { systemNames } from '../probes/fetch/resolve.ts'
import { RecordedMemory } from '../probes/memory.ts'
import { NO_LEDGER } from '../probes/reconciliation/ledger.ts'
import { probeOcsp } from '../probes/ocsp.ts'
import type { OcspTarget, ProbeContext } from '../probes/probe.ts'
import { printRate } from './rate.ts'

const [what = '', ...options] = process.argv.slice(2)
if (what === 'serve') serve(...options)
else await probe(...options)

function serve(file = ''): void {
  const answer = readFileSync(file)
  const headers = { 'content-type': 'application/ocsp-response', 'content-length': answer.length }
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(200, headers).end(answer))
  })
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    if (address !== null && typeof address === 'object') console.log(`http://127.0.0.1:${address.port}/`)
  })
}

async function probe(leaf = '', issuer = '', url = '', seconds = '1', concurrency = '1'): Promise<void> {
  const certificate = parseCertificate(readFileSync(issuer))
  const target: OcspTarget = {
    probe: 'ocsp',
    subject: 'ocsp_responder_status[bench]',
    address: url,
    url,
    interval: 60_000,
    timeout: 10_000,
    issuer: { id: 'bench', class: 'online', certificate, ancestors: [] },
    serial: parseCertificate(readFileSync(leaf)).serial,
  }
  const context: ProbeContext = {
    now: Date.now,
    vantage: 'bench',
    maxSize: 1024 * 1024,
    random: randomBytes,
    delegations: new Delegations(),
    memory: new RecordedMemory([]),
    ledger: NO_LEDGER,
    artifact: () => Promise.resolve(undefined),
    names: systemNames(),
    follow: followPolicy({ networks: [], declared: [] }),
    signal: new AbortController().signal,
  }
  await printRate(Number(seconds), Number(concurrency), async () => {
    const { observation } = await probeOcsp(target, context)
    if (observation.facts.ocsp?.status !== 'good') throw new Error(observation.error?.message)
  })
}
