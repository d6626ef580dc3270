// A process that appends records and says which were acknowledged, until it kills itself at a given disk operation.
// Arguments: directory, key file, first number, disk operations until death.
import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { nodeDisk, type Disk, type DiskFile } from '../../journal/disk.ts'
import { openJournal } from '../../journal/journal.ts'
import { numbered, ORIGIN } from './support.ts'

const [directory = '', keyFile = '', first = '0', operations = '0'] = process.argv.slice(2)
let left = Number(operations)

/** SIGKILL leaves no chance to tidy up. Half of the deaths come before the operation, half after it. */
async function mortal<T>(work: () => Promise<T>): Promise<T> {
  left--
  if (left === 0) process.kill(process.pid, 'SIGKILL')
  const result = await work()
  left--
  if (left === 0) process.kill(process.pid, 'SIGKILL')
  return result
}

const mortalFile = (file: DiskFile): DiskFile => ({
  ...file,
  write: (bytes, position) => mortal(() => file.write(bytes, position)),
  sync: () => mortal(() => file.sync()),
  truncate: (length) => mortal(() => file.truncate(length)),
})
const disk: Disk = {
  ...nodeDisk,
  open: async (path) => mortalFile(await mortal(() => nodeDisk.open(path))),
  replace: (path, bytes) => mortal(() => nodeDisk.replace(path, bytes)),
  remove: (path) => mortal(() => nodeDisk.remove(path)),
}

// Time goes fast here, so that segments are compressed on the way.
let now = Date.now()
const journal = await openJournal({
  directory,
  keyFile,
  origin: ORIGIN,
  now: () => (now += 300_000),
  random: randomBytes,
  sealInterval: 0,
  disk,
})
for (let number = Number(first); ; number += 5) {
  const numbers = [0, 1, 2, 3, 4].map((i) => number + i)
  const bytes = Buffer.from(`artifact ${number}`)
  const artifact = await journal.putArtifact({ mediaType: 'text/plain', bytes })
  const body = { by: 'test', product: '0', artifacts: [{ ...artifact, name: 'pack' }] }
  await journal.append([
    ...numbers.map((n) => numbered(n)),
    { kind: 'configuration', time: numbered(0).time, body },
  ])
  writeSync(1, `${numbers.join(' ')}\n`)
  if (number % 35 === 0) await journal.publish()
}
