import { dirname, join } from 'node:path'
import { isHistoryPath, TIMESTAMP_ENDING } from '../publisher.ts'
import type { Disk } from '../disk.ts'
import { segmentPath } from '../segments.ts'
import { parseTilePath } from '../tile.ts'
import { TILE_WIDTH } from '../tree.ts'
import type { TreeFile } from '../treeFiles.ts'
import { stagedPath, type NewSegment } from './extension.ts'

/** Writes what is known to be right; after each file the directory is one that a journal's reader understands. */
export class MirrorFiles {
  readonly #disk: Disk
  readonly #directory: string
  readonly #staging: string

  constructor(disk: Disk, directory: string, staging: string) {
    this.#disk = disk
    this.#directory = directory
    this.#staging = staging
  }

  async write(path: string, bytes: Uint8Array): Promise<void> {
    const file = join(this.#directory, path)
    await this.#disk.makeDirectory(dirname(file))
    await this.#disk.replace(file, bytes)
  }

  read(path: string): Promise<Buffer | undefined> {
    return this.#disk.read(join(this.#directory, path))
  }

  async writeSegments(segments: readonly NewSegment[]): Promise<void> {
    for (const { number, pending, isSealed } of segments) {
      // Both may stand beside each other only when they hold the same, so the pending one gets all of it first.
      if (pending.length > 0) await this.write(segmentPath(number, 'pending'), pending)
      if (!isSealed) continue
      const sealed = await this.#disk.read(stagedPath(this.#staging, number))
      if (sealed === undefined) throw new Error(`expected segment ${number} in ${this.#staging}, got none`)
      await this.write(segmentPath(number, 'zst'), sealed)
      await this.#disk.remove(join(this.#directory, segmentPath(number, 'pending')))
    }
  }

  async writeTiles(filled: readonly TreeFile[], partials: readonly TreeFile[]): Promise<void> {
    for (const { path, bytes } of [...filled, ...partials]) {
      await this.write(path, bytes)
      if (parseTilePath(path)?.width === TILE_WIDTH)
        await this.#disk.remove(join(this.#directory, `${path}.p`))
    }
  }

  clearStaging(): Promise<void> {
    return this.#disk.remove(this.#staging)
  }

  /** Names of kept checkpoints and of their timestamps, in order. */
  async history(): Promise<readonly string[]> {
    return await historyNames(this.#disk, this.#directory, '')
  }
}

/** Names in `checkpoints/` of the checkpoints that come after an hour (`2026-11-22T06Z`; '': all), and of their timestamps, in order. */
export async function historyNames(
  disk: Pick<Disk, 'list'>,
  directory: string,
  after: string,
): Promise<readonly string[]> {
  const names: string[] = []
  for (const year of await disk.list(join(directory, 'checkpoints'))) {
    if (!/^\d{4}$/.test(year) || year < after.slice(0, 4)) continue
    for (const name of await disk.list(join(directory, 'checkpoints', year)))
      if (historyPathOf(name)?.startsWith(`checkpoints/${year}/`) === true && hourOf(name) > after)
        names.push(name)
  }
  return names
}

/** Path of a kept checkpoint or its timestamp by its name; undefined when it is no such name. */
export function historyPathOf(name: string): string | undefined {
  const path = `checkpoints/${name.slice(0, 4)}/${name}`
  return isHistoryPath(`checkpoints/${name.slice(0, 4)}/${hourOf(name)}`) ? path : undefined
}

/** The name without the ending of a timestamp. */
export function hourOf(name: string): string {
  return name.endsWith(TIMESTAMP_ENDING) ? name.slice(0, -TIMESTAMP_ENDING.length) : name
}
