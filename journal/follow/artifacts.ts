import { dirname, join } from 'node:path'
import { largePath, MAX_ARTIFACT_BYTES } from '../artifactReader.ts'
import { LARGE_BYTES, type ArtifactStore } from '../artifacts.ts'
import { sha256InTurns } from '../digest.ts'
import type { Disk } from '../disk.ts'
import { decodeSealed } from '../sealedFile.ts'
import { FollowError } from './error.ts'
import { smallArtifactPath, type Remote } from './remote.ts'

const DIGEST = /^[0-9a-f]{64}$/
/** Fetched at once: each is an exchange of its own, and most are small. */
const AT_ONCE = 4

/** What records say must be kept: by digest, the size and where it is named. */
export type References = Map<string, { readonly size: number; readonly where: string }>

/** Fetches the artifacts that new records name and the mirror has not. Throws FollowError(invalid) when one is missing or another. */
export async function fetchArtifacts(
  remote: Remote,
  store: ArtifactStore,
  place: { readonly disk: Disk; readonly directory: string },
  references: References,
): Promise<void> {
  const waiting = [...references].values()
  const work = async (): Promise<void> => {
    for (const [digest, { size, where }] of waiting) {
      if (!DIGEST.test(digest) || !Number.isSafeInteger(size) || size < 0 || size > MAX_ARTIFACT_BYTES)
        throw new FollowError('invalid', `${where}: expected the digest and size of an artifact, got others`)
      if (size < LARGE_BYTES) await fetchSmall(remote, store, { digest, size, where })
      else await fetchLarge(remote, place, { digest, size, where })
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, work))
  await store.flush()
}

interface Wanted {
  readonly digest: string
  readonly size: number
  readonly where: string
}

async function fetchSmall(remote: Remote, store: ArtifactStore, wanted: Wanted): Promise<void> {
  const { digest, size } = wanted
  if (store.holdsSmall(digest)) return
  const bytes = await remote.get(smallArtifactPath(digest), size)
  if (bytes?.length !== size || (await sha256InTurns(bytes)).toString('hex') !== digest)
    throw otherArtifact(wanted, bytes)
  await store.put({ bytes, mediaType: 'application/octet-stream', digest })
}

/** Kept as the file that it is served as. */
async function fetchLarge(
  remote: Remote,
  { disk, directory }: { readonly disk: Disk; readonly directory: string },
  wanted: Wanted,
): Promise<void> {
  const { digest, size } = wanted
  const path = largePath(digest)
  const file = join(directory, path)
  if ((await disk.readPart(file, 0, 1)) !== undefined) return
  const bytes = await remote.get(path, 2 * size)
  if (bytes === undefined) throw otherArtifact(wanted, bytes)
  const { trailer, content } = await decodeSealed('artifact', bytes, size)
  const isArtifact = trailer.number === 0 && trailer.first === 0 && trailer.count === 0
  if (!isArtifact || content.length !== size || (await sha256InTurns(content)).toString('hex') !== digest)
    throw otherArtifact(wanted, content)
  await disk.makeDirectory(dirname(file))
  await disk.replace(file, bytes)
}

function otherArtifact({ digest, size, where }: Wanted, got: Uint8Array | undefined): FollowError {
  const what = got === undefined ? 'none' : `${got.length} other octets`
  return new FollowError(
    'invalid',
    `expected artifact ${digest} of ${size} octets, named by ${where}; got ${what}`,
  )
}
