import type { Position } from '../../model/recordId.ts'
import { itemsOf, largePath, MAX_ARTIFACT_BYTES } from '../artifactReader.ts'
import { sha256 } from '../digest.ts'
import { decodeFrames } from '../frame.ts'
import { PackIndex, packPath } from '../pack.ts'
import { decodeSealed, inflate } from '../sealedFile.ts'
import { asFault, fault, inFile } from './fault.ts'
import { checkNoneLeft, type Inventory } from './inventory.ts'
import type { NamedArtifacts } from './namedArtifacts.ts'
import type { FileSource } from './source.ts'

/** An artifact that is there. */
type Found = (file: string, digest: Uint8Array, size: number) => void

/** Opens every artifact; all that records name must be there. `idOf` a record. Returns how many artifacts there are. Throws FaultFound. */
export async function checkArtifacts(
  source: FileSource,
  inventory: Inventory,
  artifacts: NamedArtifacts,
  { notes, idOf }: { readonly notes: string[]; readonly idOf: (position: Position) => string },
): Promise<number> {
  let count = 0
  let unnamed = 0
  const found: Found = (file, digest, size) => {
    count++
    const named = artifacts.found(digest)
    if (named === undefined) unnamed++
    else if (named.size !== size)
      throw fault(
        file,
        `artifact ${named.digest}`,
        `${named.size} octets, as ${idOf(named.position)} says`,
        `${size}`,
      )
  }

  let packs = 0
  while (await checkPack(source, inventory, packs, found, notes)) packs++
  checkNoneLeft([...inventory.packs, ...inventory.indexes], packs, (n) => packPath(n, 'pack'))
  for (const digest of inventory.large)
    if (!(await checkLarge(source, digest, found))) throw fault(largePath(digest), '', 'a file', 'none')

  // A writer at work may have written it after the directory was listed.
  for (const { digest, position } of artifacts.missing())
    if (!(await checkLarge(source, digest, found)))
      throw fault('artifacts', `artifact ${digest}`, `an artifact, named by ${idOf(position)}`, 'none')
  if (unnamed > 0) notes.push(`artifacts: ${unnamed} that no record names`)
  return count
}

/** false when there is none of this number. */
async function checkPack(
  source: FileSource,
  inventory: Inventory,
  number: number,
  found: Found,
  notes: string[],
): Promise<boolean> {
  const file = packPath(number, 'pack')
  const bytes = await source.read(file)
  if (bytes === undefined) return false
  const { frames, torn } = inFile(file, '', () => decodeFrames(bytes))
  if (frames[0] !== undefined && frames[0].sequence !== 0)
    throw fault(file, 'octet 0', 'frame 0', `frame ${frames[0].sequence}`)
  const last = !inventory.indexes.has(number) && !inventory.packs.includes(number + 1)
  if (torn > 0 && !last)
    throw fault(file, `octet ${bytes.length - torn}`, 'the end of a full pack', 'more octets')
  if (torn > 0) notes.push(`${file}: ${torn} octets of an unsealed frame at the end`)

  const items = inFile(file, '', () => [...itemsOf(frames)])
  for (const item of items) {
    const digest = item.digest.toString('hex')
    const content = await inflate(item.compressed, item.size).catch((error: unknown) => {
      throw asFault(error, file, `artifact ${digest} at octet ${item.offset}`)
    })
    if (!sha256(content).equals(item.digest))
      throw fault(file, `octet ${item.offset}`, `artifact ${digest}`, 'other octets')
    found(file, item.digest, item.size)
  }

  if (!inventory.indexes.has(number)) return true
  const index = await source.read(packPath(number, 'idx'))
  if (index?.equals(PackIndex.of(items).encode()) !== true)
    throw fault(packPath(number, 'idx'), '', `the index of ${file}`, 'other octets')
  return true
}

/** false when there is none of this digest. */
async function checkLarge(source: FileSource, digest: string, found: Found): Promise<boolean> {
  const file = largePath(digest)
  const bytes = await source.read(file)
  if (bytes === undefined) return false
  const { trailer, content } = await decodeSealed('artifact', bytes, MAX_ARTIFACT_BYTES).catch(
    (error: unknown) => {
      throw asFault(error, file, '')
    },
  )
  if (trailer.number !== 0 || trailer.first !== 0 || trailer.count !== 0)
    throw fault(file, 'trailer', 'zeros where a segment has numbers', 'others')
  const key = sha256(content)
  if (key.toString('hex') !== digest) throw fault(file, '', `artifact ${digest}`, 'other octets')
  found(file, key, content.length)
  return true
}
