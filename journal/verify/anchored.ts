import { nodeDisk } from '../disk.ts'
import { JournalError } from '../error.ts'
import { proveConsistency } from '../proof/prove.ts'
import { readAnchors, type Anchor } from './anchors.ts'
import { openSigned, readIdentity, readPublished, type Identity, type SignedSize } from './checkpoints.ts'
import { takeInventory } from './inventory.ts'
import { directorySource } from './source.ts'
import { parseVerifierKeys } from '../note.ts'

/** Kept checkpoints that are looked at, the newest: a month of hours. */
const MAX_CHECKPOINTS = 744

export interface Believed {
  /** Verifier keys. */
  readonly cosigners?: string
  /** Certificates of timestamping authorities. */
  readonly authorities?: Uint8Array
  /** Checkpoints that others kept or cosigned: the journal must still begin with what they cover. */
  readonly known?: readonly { readonly name: string; readonly text: string }[]
}

/**
 * Who else vouches for how much of a journal, from its checkpoints, their timestamps and the published tree alone: whether records and tree fit, the verifier says.
 * Throws FaultFound; JournalError: `format` when these are no keys, certificates or checkpoints of this journal, `altered` when it does not begin with one of them.
 */
export async function anchorsOf(
  directory: string,
  { cosigners, authorities, known = [] }: Believed,
): Promise<readonly Anchor[]> {
  const source = directorySource(directory)
  const identity = await readIdentity(source)
  const { history, stamped } = await takeInventory(source)
  const paths = history.slice(-MAX_CHECKPOINTS)
  const signed: SignedSize[] = [await readPublished(source, identity)]
  for (const path of paths) {
    const text = (await source.read(path))?.toString()
    if (text !== undefined) signed.push(openSigned(path, text, identity))
  }
  const looked = new Set(paths)
  return await readAnchors(
    source,
    { stamped: stamped.filter((path) => looked.has(path)) },
    {
      log: identity.log,
      signed,
      known: await Promise.all(known.map((given) => openKnown(directory, given, identity))),
      trusted: cosigners === undefined ? [] : parseVerifierKeys(cosigners),
      authorities,
    },
  )
}

/** A checkpoint that somebody brought, which the journal still begins with. */
async function openKnown(
  directory: string,
  { name, text }: { readonly name: string; readonly text: string },
  identity: Identity,
): Promise<SignedSize> {
  const opened = openSigned(name, text, identity)
  await proveConsistency(nodeDisk, directory, text).catch((error: unknown) => {
    throw error instanceof JournalError
      ? new JournalError(error.code, `${name}: ${error.message}`, { cause: error })
      : error
  })
  return opened
}
