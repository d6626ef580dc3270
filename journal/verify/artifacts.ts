import { itemsOf, largePath, MAX_ARTIFACT_BYTES } from '../artifactReader.ts'
import { sha256 } from '../digest.ts'
import { decodeFrames } from '../frame.ts'
import { PackIndex, packPath } from '../pack.ts'
import { decodeSealed, inflate } from '../sealedFile.ts'
import { asFault, fault, inFile } from './fault.ts'
import { checkNoneLeft, type Inventory } from './inventory.ts'
import type { FileSource } from './source.ts'

/** What records say must be kept: by digest, the size and where it is named. */
export type References = Map<string, { readonly size: number; readonly where: string }>

/** Opens every artifact; each reference must be met. Returns how many artifacts there are. Throws FaultFound. */
export async function checkArtifacts(
  source: FileSource,
  inventory: Inventory,
  references: References,
  notes: string[],
): Promise<number> {
  const missing = new Map(references)
  let count = 0
  let unnamed = 0
  const found = (file: string, digest: string, size: number): void => {
    count++
    const reference = references.get(digest)
    if (reference === undefined) unnamed++
    else if (reference.size !== size)
      throw fault(
        file,
        `artifact ${digest}`,
        `${reference.size} octets, as ${reference.where} says`,
        `${size}`,
      )
    missing.delete(digest)
  }

  let packs = 0
  while (await checkPack(source, inventory, packs, found, notes)) packs++
  checkNoneLeft([...inventory.packs, ...inventory.indexes], packs, (n) => packPath(n, 'pack'))
  for (const digest of inventory.large)
    if (!(await checkLarge(source, digest, found))) throw fault(largePath(digest), '', 'a file', 'none')

  // A writer at work may have written it after the directory was listed.
  for (const digest of [...missing.keys()]) await checkLarge(source, digest, found)
  for (const [digest, { where }] of missing)
    throw fault('artifacts', `artifact ${digest}`, `an artifact, named by ${where}`, 'none')
  if (unnamed > 0) notes.push(`artifacts: ${unnamed} that no record names`)
  return count
}

/** false when there is none of this number. */
async function checkPack(
  source: FileSource,
  inventory: Inventory,
  number: number,
  found: (file: string, digest: string, size: number) => void,
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
    found(file, digest, item.size)
  }

  if (!inventory.indexes.has(number)) return true
  const index = await source.read(packPath(number, 'idx'))
  if (index?.equals(PackIndex.of(items).encode()) !== true)
    throw fault(packPath(number, 'idx'), '', `the index of ${file}`, 'other octets')
  return true
}

/** false when there is none of this digest. */
async function checkLarge(
  source: FileSource,
  digest: string,
  found: (file: string, digest: string, size: number) => void,
): Promise<boolean> {
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
  if (sha256(content).toString('hex') !== digest) throw fault(file, '', `artifact ${digest}`, 'other octets')
  found(file, digest, content.length)
  return true
}
