// A CA that Dogtag runs, with clones: each gives serial numbers of a range of its own, one after another, and keeps a signed log. Nothing of it is on the
// network: its logs are all that there is to watch.
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../model/time.ts'
import { COUNTRY, ORGANIZATION } from './authority.ts'
import { generateKey, issueCertificate, toPem, type Issuer } from './issue.ts'
import { SignedLog, type SignedLogRecord } from './signedLog.ts'

const DAY_MS = 86_400_000

/** The serial numbers that each clone may give: [first, last]. */
const RANGES = [
  [0x1n, 0xfffn],
  [0x1000n, 0x1fffn],
] as const

/** What was issued before anybody looked. */
const FIRST_DEVICES = 3

const AGENT = 'caadmin'

export interface DogtagClone {
  /** Of its log. */
  readonly id: string
  readonly log: SignedLog
  readonly range: readonly [first: bigint, last: bigint]
  /** Of the next certificate. */
  next: bigint
}

export interface DogtagCa {
  readonly id: string
  /** DER. */
  readonly certificate: Uint8Array
  /** Of those who sign the logs, PEM. */
  readonly signingCertificateFile: string
  readonly clones: readonly [DogtagClone, DogtagClone]
  /** Logs what the clone logs when it issues a certificate; with a serial number that is not its next one where one is given. */
  enrol(clone: DogtagClone, serial?: bigint): void
  /** The same; `lost`: both the record and its signature are, `forged`: it names somebody else than the one that was signed. */
  enrolUnnoticed(clone: DogtagClone, how: 'lost' | 'forged'): void
  /** Logs the same of a CRL. */
  makeCrl(clone: DogtagClone, number?: bigint): void
  close(): void
}

export async function openDogtagCa(options: {
  id: string
  issuer: Issuer
  directory: string
  now: Clock
}): Promise<DogtagCa> {
  const { id, issuer, directory, now } = options
  const folder = join(directory, id)
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const key = generateKey('p256')
  const certificate = await issueCertificate({
    ...{
      subject: `${id} Audit Signing`,
      organization: ORGANIZATION,
      country: COUNTRY,
      profile: 'tls_client',
    },
    ...{ key, issuer, notBefore: now(), notAfter: now() + 365 * DAY_MS },
  })
  const signingCertificateFile = join(folder, 'audit-signing.pem')
  await writeFile(signingCertificateFile, toPem(certificate, 'CERTIFICATE'))

  const cloneOf = (n: number, range: DogtagClone['range']): DogtagClone => {
    const log = new SignedLog({ file: join(folder, `ca_audit-${n}`), key, now })
    return { id: `${id}-${n}`, log, range, next: range[0] }
  }
  const clones = [cloneOf(1, RANGES[0]), cloneOf(2, RANGES[1])] as const
  let crlNumber = 0n
  const ca: DogtagCa = {
    id,
    certificate: issuer.certificate,
    signingCertificateFile,
    clones,
    enrol(clone, serial = clone.next) {
      clone.log.write(enrolled(serial))
      if (serial === clone.next) clone.next++
    },
    enrolUnnoticed(clone, how) {
      const serial = clone.next++
      if (how === 'lost') clone.log.lose(enrolled(serial))
      else clone.log.writeChanged(enrolled(serial, 'mallory'), enrolled(serial))
    },
    makeCrl(clone, number = ++crlNumber) {
      clone.log.write(madeCrl(number))
    },
    close() {
      for (const { log } of clones) log.close()
    },
  }
  for (const clone of clones) {
    clone.log.write({
      event: 'AUDIT_LOG_STARTUP',
      attributes: saying('$System$'),
      text: 'audit function startup',
    })
    for (let n = 0; n < FIRST_DEVICES; n++) ca.enrol(clone)
  }
  // Of clones one makes the CRLs.
  ca.makeCrl(clones[0])
  return ca
}

function enrolled(serial: bigint, by = AGENT): SignedLogRecord {
  return {
    event: 'CERT_REQUEST_PROCESSED',
    attributes: [
      ...saying(by),
      ['ReqID', `0x${serial.toString(16)}`],
      ['CertSerialNum', `0x${serial.toString(16)}`],
    ],
    text: 'certificate request processed',
  }
}

function madeCrl(number: bigint): SignedLogRecord {
  return {
    event: 'FULL_CRL_GENERATION',
    attributes: [...saying('$Unidentified$'), ['CRLnum', number.toString()]],
    text: 'Full CRL generation',
  }
}

function saying(who: string): [name: string, value: string][] {
  return [
    ['SubjectID', who],
    ['Outcome', 'Success'],
  ]
}
