import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { CURRENT, LISTING, listingSchema, type Bundle } from './backupBundles.ts'
import { JournalError } from './error.ts'
import { tarMembers, type TarMember } from './tar.ts'

/** Gets an object into a file, at most so many octets. Rejects with JournalError(storage) where there is none. */
export type FetchObject = (name: string, file: string, limit: number) => Promise<void>

/** Octets of the current object: the list of bundles, and a pending segment and a pack of each epoch. */
const MAX_CURRENT = 1024 * 1024 * 1024
/** Octets of the list of bundles: some hundred thousand of them. */
const MAX_LISTING = 64 * 1024 * 1024

/** As the files of a journal are named, in the directory of their epoch: nothing that leads elsewhere. */
const MEMBER = /^\d{1,15}(\/[A-Za-z0-9_-][A-Za-z0-9._-]*)+$/

/** Gets what a backup consists of. `room` is asked for before the bundles come; it throws where there is too little. */
export interface FetchOptions {
  readonly room?: (octets: number) => Promise<void>
  readonly onProgress?: (done: number, of: number) => void
}

/**
 * Fetches a backup from an object store into an empty directory, which is then one that `vigil backup DIR` could have made. Every bundle must have the digest that
 * the current object names. Throws JournalError: storage, or altered.
 */
export async function fetchBackup(
  fetch: FetchObject,
  place: string,
  { room = () => Promise.resolve(), onProgress = () => undefined }: FetchOptions = {},
): Promise<void> {
  await mkdir(place, { recursive: true, mode: 0o700 })
  const current = join(place, CURRENT)
  await fetch(CURRENT, current, MAX_CURRENT)
  const bundles = await listed(current)
  const total = bundles.reduce((sum, { size }) => sum + size, 0)
  await room(total)
  const file = join(place, 'bundle.tar')
  let done = 0
  for (const bundle of bundles) {
    onProgress(done, total)
    await fetch(bundle.name, file, bundle.size)
    await requireDigest(file, bundle)
    await unpack(file, bundle.name, place)
    await rm(file)
    done += bundle.size
  }
  // What still changed, last: it is newer.
  await unpack(current, CURRENT, place)
  await rm(current)
}

async function listed(current: string): Promise<readonly Bundle[]> {
  await using file = await open(current)
  for await (const member of tarMembers(file, CURRENT)) {
    if (member.name !== LISTING || member.size > MAX_LISTING) break
    const listing = listingSchema.safeParse(parseJson(await contentOf(file, member)))
    if (listing.success) return listing.data.bundles
  }
  throw new JournalError('altered', {
    expected: `${LISTING} of a backup of format pki-vigil-backup/1`,
    got: 'something else',
    where: CURRENT,
  })
}

async function requireDigest(file: string, { name, sha256 }: Bundle): Promise<void> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(file)) hash.update(chunk as Buffer)
  const got = hash.digest('hex')
  if (got !== sha256) throw new JournalError('altered', { expected: sha256, got, where: name })
}

async function unpack(archive: string, name: string, place: string): Promise<void> {
  await using file = await open(archive)
  for await (const member of tarMembers(file, name)) {
    if (member.name === LISTING) continue
    if (!MEMBER.test(member.name))
      throw new JournalError('altered', {
        expected: 'a file of a journal',
        got: JSON.stringify(member.name),
        where: name,
      })
    const path = join(place, member.name)
    await mkdir(dirname(path), { recursive: true, mode: 0o750 })
    await using out = await open(path, 'w', 0o640)
    await out.writeFile(await contentOf(file, member))
  }
}

async function contentOf(file: FileHandle, { size, offset }: TarMember): Promise<Buffer> {
  const content = Buffer.alloc(size)
  const { bytesRead } = await file.read(content, 0, size, offset)
  if (bytesRead !== size)
    throw new JournalError('altered', { expected: `${size} octets`, got: String(bytesRead) })
  return content
}

function parseJson(content: Buffer): unknown {
  try {
    return JSON.parse(content.toString('utf8'))
  } catch {
    return undefined
  }
}
