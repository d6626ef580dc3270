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

/** Operations between two looks at the clock. */
const BATCH = 50
/** Enough for the compiler to be done. */
const WARM_UP = 10_000

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

async function measure(run: () => void | Promise<void>, warmUp: number): Promise<void> {
  for (let i = 0; i < warmUp; i++) await run()
  const start = cpu()
  const end = performance.now() + Number(seconds) * 1000
  let operations = 0
  for (; performance.now() < end; operations += BATCH) for (let i = 0; i < BATCH; i++) await run()
  console.log(JSON.stringify({ operations, cpu: cpu() - start }))
}

function measureSync(run: () => void): void {
  for (let i = 0; i < WARM_UP; i++) run()
  const start = cpu()
  const end = performance.now() + Number(seconds) * 1000
  let operations = 0
  for (; performance.now() < end; operations += BATCH) for (let i = 0; i < BATCH; i++) run()
  console.log(JSON.stringify({ operations, cpu: cpu() - start }))
}

switch (what) {
  case 'vigil':
    measureSync(vigil({}))
    break
  case 'nonce':
    measureSync(vigil({ nonce: Buffer.alloc(32, 1) }))
    break
  case 'remembered':
    measureSync(vigil({ delegations: new Delegations() }))
    break
  case 'floor':
    measureSync(floor())
    break
  case 'pkijs':
    await measure(byPkijs, 20)
    break
  case 'ocsp':
    await measure(byOcsp, 500)
    break
  default:
    throw new RangeError(`expected the name of a contestant, got ${what}`)
}
