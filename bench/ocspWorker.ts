// One contestant of bench/ocsp.ts. Usage: node bench/ocspWorker.ts WHAT CERTIFICATE ISSUER ANSWER SECONDS, all files DER.
import { verify } from 'node:crypto'
import { readFileSync } from 'node:fs'
import * as ocspPackage from 'ocsp'
import * as pkijs from 'pkijs'
import { parseCertificate } from '../pki/certificate.ts'
import { parseOcspResponse, verifyOcspResponse } from '../pki/ocsp.ts'
import { buildOcspRequest } from '../pki/ocspRequest.ts'
import { Delegations } from '../pki/ocspSigner.ts'

const [what = '', leafFile = '', issuerFile = '', answerFile = '', seconds = '1'] = process.argv.slice(2)
const [leafDer, issuerDer, answer] = [
  readFileSync(leafFile),
  readFileSync(issuerFile),
  readFileSync(answerFile),
]
const issuer = parseCertificate(issuerDer)
const { serial } = parseCertificate(leafDer)
const now = Date.now()
/** Milliseconds that count. */
const duration = Number(seconds) * 1000

/** Operations between two looks at the clock. */
const BATCH = 50
/** Milliseconds, after which the compiler is done: what counts is a process that runs for long. */
const WARM_UP = 1500

function vigil(options: { readonly nonce?: Uint8Array; readonly delegations?: Delegations }): () => void {
  const { nonce, delegations } = options
  return () => {
    const request = buildOcspRequest({ serial, issuer, nonce, hash: 'sha1' })
    const verified = verifyOcspResponse(parseOcspResponse(answer), { request, issuer, now, delegations })
    if (verified.single.certStatus.status !== 'good') throw new Error('expected good')
  }
}

function floor(): () => void {
  const { tbs, signature, scheme } = parseOcspResponse(answer)
  const signer = verifyOcspResponse(parseOcspResponse(answer), { issuer, now }).signer.publicKey
  const digest = 'digest' in scheme.verification ? scheme.verification.digest : undefined
  return () => {
    if (!verify(digest, tbs, signer, signature)) throw new Error('expected a signature')
  }
}

async function byPkijs(): Promise<void> {
  const [leaf, ca] = [pkijs.Certificate.fromBER(leafDer), pkijs.Certificate.fromBER(issuerDer)]
  const request = new pkijs.OCSPRequest()
  await request.createForCertificate(leaf, { hashAlgorithm: 'SHA-1', issuerCertificate: ca })
  request.toSchema(true).toBER()
  const bytes = pkijs.OCSPResponse.fromBER(answer).responseBytes
  const basic = pkijs.BasicOCSPResponse.fromBER(bytes?.response.valueBlock.valueHexView ?? answer)
  const { status } = await basic.getCertificateStatus(leaf, ca)
  if (status !== 0 || !(await basic.verify({ trustedCerts: [ca] }))) throw new Error('expected good')
}

function byOcsp(): Promise<void> {
  const request = ocspPackage.request.generate(leafDer, issuerDer)
  return new Promise((resolve, reject) => {
    ocspPackage.verify({ request, response: answer }, (error) => {
      if (error === null) resolve()
      else reject(error)
    })
  })
}

function cpu(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6
}

/** Runs for that many milliseconds; returns how often. */
function repeat(run: () => void, milliseconds: number): number {
  const end = performance.now() + milliseconds
  let operations = 0
  for (; performance.now() < end; operations += BATCH) for (let i = 0; i < BATCH; i++) run()
  return operations
}

async function repeatAsync(run: () => Promise<void>, milliseconds: number): Promise<number> {
  const end = performance.now() + milliseconds
  let operations = 0
  for (; performance.now() < end; operations++) await run()
  return operations
}

function report(operations: number, start: number): void {
  console.log(JSON.stringify({ operations, cpu: cpu() - start }))
}

function measure(run: () => void): void {
  repeat(run, WARM_UP)
  const start = cpu()
  report(repeat(run, duration), start)
}

async function measureAsync(run: () => Promise<void>): Promise<void> {
  await repeatAsync(run, WARM_UP)
  const start = cpu()
  report(await repeatAsync(run, duration), start)
}

switch (what) {
  case 'vigil':
    measure(vigil({}))
    break
  case 'nonce':
    measure(vigil({ nonce: Buffer.alloc(32, 1) }))
    break
  case 'remembered':
    measure(vigil({ delegations: new Delegations() }))
    break
  case 'floor':
    measure(floor())
    break
  case 'pkijs':
    await measureAsync(byPkijs)
    break
  case 'ocsp':
    await measureAsync(byOcsp)
    break
  default:
    throw new RangeError(`expected the name of a contestant, got ${what}`)
}
