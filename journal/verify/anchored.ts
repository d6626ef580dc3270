import { readAnchors, type Anchor } from './anchors.ts'
import { openSigned, readIdentity, readPublished, type SignedSize } from './checkpoints.ts'
import { takeInventory } from './inventory.ts'
import { directorySource } from './source.ts'
import { parseVerifierKeys } from '../note.ts'

/** Kept checkpoints that are looked at, the newest: a month of hours. */
const MAX_CHECKPOINTS = 744

/**
 * Who else vouches for how much of a journal, from its checkpoints and their timestamps alone: whether it is what they saw, the verifier says. `cosigners`: verifier keys,
 * `authorities`: certificates of timestamping authorities. Throws FaultFound; JournalError(format) when these are none.
 */
export async function anchorsOf(
  directory: string,
  { cosigners, authorities }: { readonly cosigners?: string; readonly authorities?: Uint8Array },
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
      known: [],
      trusted: cosigners === undefined ? [] : parseVerifierKeys(cosigners),
      authorities,
    },
  )
}
