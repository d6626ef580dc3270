import type { Timestamp } from '../../model/time.ts'
import { toTimestamp } from '../../model/time.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import type { TrustedChain } from '../../pki/path.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import { parseTimestamp, parseTimestampReply, verifyTimestamp } from '../../pki/timestamp.ts'
import { sha256 } from '../digest.ts'
import { JournalError } from '../error.ts'
import { parseNote, verifiedSignatures, type VerifierKey } from '../note.ts'
import { TIMESTAMP_ENDING } from '../publisher.ts'
import type { SignedSize } from './checkpoints.ts'
import { fault, FaultFound, inFile } from './fault.ts'
import type { Inventory } from './inventory.ts'
import type { FileSource } from './source.ts'

/** Somebody else who has seen the journal as it was. */
export interface Anchor {
  readonly kind: 'timestamp' | 'cosignature' | 'kept'
  /** Subject of the timestamping authority, name of the cosigner, or name of the file. */
  readonly by: string
  /** Entries that it covers. */
  readonly size: number
  /** When it was seen; of a kept checkpoint nobody says. */
  readonly time?: Timestamp
}

interface Anchoring {
  readonly log: string
  readonly signed: readonly SignedSize[]
  /** Checkpoints that the caller brought. */
  readonly known: readonly SignedSize[]
  readonly trusted: readonly VerifierKey[]
  readonly authorities: Uint8Array | undefined
}

/**
 * Who vouches for how much: of each the newest. Every timestamp must be about its checkpoint, whether or not its authority is trusted; that of a trusted one must
 * verify. Throws FaultFound; JournalError(format) when the authorities are no certificates.
 */
export async function readAnchors(
  source: Pick<FileSource, 'read'>,
  inventory: Pick<Inventory, 'stamped'>,
  { log, signed, known, trusted, authorities }: Anchoring,
): Promise<readonly Anchor[]> {
  const chains = authorities === undefined ? [] : trustedChains(authorities)
  const bySize = new Map(signed.map((checkpoint) => [checkpoint.file, checkpoint]))
  const anchors: Anchor[] = known.map(({ file, size }) => ({ kind: 'kept', by: file, size }))
  for (const path of inventory.stamped) {
    const checkpoint = bySize.get(path)
    if (checkpoint === undefined)
      throw fault(path + TIMESTAMP_ENDING, '', `a timestamp of ${path}`, 'one without it')
    const stamp = await readStamp(source, checkpoint, chains)
    if (stamp !== undefined) anchors.push(stamp)
  }
  const cosigners = trusted.filter(({ type, name }) => type !== 'ed25519' && name !== log)
  for (const { file, size, text } of [...signed, ...known])
    for (const { key, time } of inFile(file, 'signatures', () =>
      verifiedSignatures(parseNote(text), cosigners),
    ))
      anchors.push({
        kind: 'cosignature',
        by: key.name,
        size,
        ...(time === undefined ? {} : { time: toTimestamp(time * 1000) }),
      })
  return newestOfEach(anchors)
}

/** undefined: of an authority that is not trusted. */
async function readStamp(
  source: Pick<FileSource, 'read'>,
  { file, size, text }: SignedSize,
  trusted: readonly TrustedChain[],
): Promise<Anchor | undefined> {
  const path = file + TIMESTAMP_ENDING
  const reply = await source.read(path)
  if (reply === undefined) throw fault(path, '', 'a timestamp', 'no file')
  const digest = sha256(Buffer.from(text))
  try {
    const timestamp = parseTimestamp(parseTimestampReply(reply))
    if (!digest.equals(timestamp.imprint.digest))
      throw fault(
        path,
        'messageImprint',
        digest.toString('hex'),
        Buffer.from(timestamp.imprint.digest).toString('hex'),
      )
    if (trusted.length === 0) return undefined
    const { time, signer } = verifyTimestamp(timestamp, { digest, nonce: undefined, trusted })
    return { kind: 'timestamp', by: signer.subject.text, size, time: toTimestamp(time) }
  } catch (error) {
    if (error instanceof FaultFound || !(error instanceof PkiError)) throw error
    // Journals may change their authority; who trusts one of them knows nothing of the other.
    if (error.code === 'issuer_not_found') return undefined
    throw fault(path, error.phase, 'a timestamp that verifies', error.message)
  }
}

function newestOfEach(anchors: readonly Anchor[]): readonly Anchor[] {
  const newest = new Map<string, Anchor>()
  for (const anchor of anchors) {
    const key = `${anchor.kind} ${anchor.by}`
    if ((newest.get(key)?.size ?? -1) <= anchor.size) newest.set(key, anchor)
  }
  return [...newest.values()]
}

function trustedChains(authorities: Uint8Array): readonly TrustedChain[] {
  try {
    return decodeCertificates(authorities).map((der) => [parseCertificate(der)] as const)
  } catch (cause) {
    if (!(cause instanceof PkiError)) throw cause
    throw new JournalError('format', `expected certificates of timestamping authorities: ${cause.message}`, {
      cause,
    })
  }
}
