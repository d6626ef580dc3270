import { itemsOf, largePath, MAX_ARTIFACT_BYTES } from '../artifactReader.ts'
import { sha256 } from '../digest.ts'
import { decodeFrames } from '../frame.ts'
import { PackIndex, packPath } from '../pack.ts'
import { decodeSealed, inflate } from '../sealedFile.ts'
import { asFault, fault, inFile } from './fault.ts'
import { checkConsecutive, type Inventory } from './inventory.ts'
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

  checkConsecutive(inventory.packs, (number) => packPath(number, 'pack'))
  for (const number of inventory.packs) await checkPack(source, inventory, number, found, notes)
  for (const number of inventory.indexes)
    if (number >= inventory.packs.length)
      throw fault(packPath(number, 'pack'), '', 'a pack for its index', 'no file')
  for (const digest of inventory.large) await checkLarge(source, digest, found)

  for (const [digest, { where }] of missing)
    throw fault('artifacts', `artifact ${digest}`, `an artifact, named by ${where}`, 'none')
  if (unnamed > 0) notes.push(`artifacts: ${unnamed} that no record names`)
  return count
}

async function checkPack(
  source: FileSource,
  inventory: Inventory,
  number: number,
  found: (file: string, digest: string, size: number) => void,
  notes: string[],
): Promise<void> {
  const file = packPath(number, 'pack')
  const bytes = await source.read(file)
  if (bytes === undefined) throw fault(file, '', 'a file', 'none')
  const { frames, torn } = inFile(file, '', () => decodeFrames(bytes))
  if (frames[0] !== undefined && frames[0].sequence !== 0)
    throw fault(file, 'octet 0', 'frame 0', `frame ${frames[0].sequence}`)
  const last = number === inventory.packs.length - 1 && !inventory.indexes.has(number)
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

  if (!inventory.indexes.has(number)) return
  const index = await source.read(packPath(number, 'idx'))
  if (index?.equals(PackIndex.of(items).encode()) !== true)
    throw fault(packPath(number, 'idx'), '', `the index of ${file}`, 'other octets')
}

async function checkLarge(
  source: FileSource,
  digest: string,
  found: (file: string, digest: string, size: number) => void,
): Promise<void> {
  const file = largePath(digest)
  const bytes = await source.read(file)
  if (bytes === undefined) throw fault(file, '', 'a file', 'none')
  const { trailer, content } = await decodeSealed('artifact', bytes, MAX_ARTIFACT_BYTES).catch(
    (error: unknown) => {
      throw asFault(error, file, '')
    },
  )
  if (trailer.number !== 0 || trailer.first !== 0 || trailer.count !== 0)
    throw fault(file, 'trailer', 'zeros where a segment has numbers', 'others')
  if (sha256(content).toString('hex') !== digest) throw fault(file, '', `artifact ${digest}`, 'other octets')
  found(file, digest, content.length)
}
