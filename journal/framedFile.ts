import { dirname } from 'node:path'
import { FileRemoved, type Disk, type DiskFile } from './disk.ts'
import { decodeFrames, encodeFrame, SEAL_MARK, type Frame } from './frame.ts'
import { diskRefused } from './error.ts'

/**
 * A file of frames, appended to. `append` resolves when the frame is on disk. When the disk refuses, the file is cut back
 * to the last sealed frame, at once if that works and else before the next frame, so that a refused frame never counts.
 */
export class FramedFile {
  readonly #disk: Disk
  readonly #path: string
  #file: DiskFile
  /** End of the last sealed frame, without its mark. */
  #sealed: number
  /** Whether the mark of the last sealed frame is written. */
  #marked: boolean
  /** Whether the file may hold something after the sealed frames. */
  #dirty = false
  /** Set for good when the file is gone: a new one in its place would have a hole where sealed frames were. */
  #removed: FileRemoved | undefined

  private constructor(disk: Disk, path: string, file: DiskFile, sealed: number, marked: boolean) {
    this.#disk = disk
    this.#path = path
    this.#file = file
    this.#sealed = sealed
    this.#marked = marked
  }

  /** Opens or creates the file, cuts off what a crash left, and hands out its frames. Throws JournalError(altered). */
  static async open(disk: Disk, path: string): Promise<{ file: FramedFile; frames: readonly Frame[] }> {
    const content = await disk.read(path)
    const { frames, torn } = content === undefined ? { frames: [], torn: 0 } : decodeFrames(content)
    const last = frames.at(-1)
    const file = await disk.open(path)
    if (content === undefined) await disk.syncDirectory(dirname(path))
    const framed = new FramedFile(disk, path, file, last?.end ?? 0, last?.marked ?? true)
    framed.#dirty = torn > 0
    await framed.#recover()
    // A frame without mark may not be on disk yet; from here on it counts.
    if (last?.marked === false) await framed.#mark()
    await framed.#file.sync()
    return { file: framed, frames }
  }

  /** Octets, marks included. */
  get length(): number {
    return this.#sealed === 0 ? 0 : this.#sealed + SEAL_MARK.length
  }

  /** Writes a frame durably; returns where its payload's frame starts. Rejects with JournalError(storage). */
  async append(sequence: number, payload: Uint8Array): Promise<number> {
    try {
      if (this.#removed !== undefined) throw this.#removed
      await this.#recover()
      if (!this.#marked) await this.#mark()
      const start = this.length
      const frame = encodeFrame(sequence, payload)
      this.#dirty = true
      await this.#file.write(frame, start)
      await this.#file.sync()
      this.#sealed = start + frame.length
      this.#marked = false
      this.#dirty = false
      // Not being able to write the mark now takes nothing from the frame: it is on disk.
      await this.#mark().catch(() => undefined)
      return start
    } catch (error) {
      if (error instanceof FileRemoved) this.#removed = error
      else await this.#recover().catch(() => undefined)
      throw diskRefused(this.#path, error)
    }
  }

  async close(): Promise<void> {
    await this.#file.close()
  }

  async #mark(): Promise<void> {
    this.#dirty = true
    await this.#file.write(SEAL_MARK, this.#sealed)
    this.#marked = true
    this.#dirty = false
  }

  /** Cuts back to the last sealed frame. After a refused fsync the pages are not trusted: the file is opened anew. */
  async #recover(): Promise<void> {
    if (!this.#dirty) return
    await this.#file.close().catch(() => undefined)
    this.#file = await this.#disk.open(this.#path)
    await this.#file.truncate(this.#marked ? this.length : this.#sealed)
    await this.#file.sync()
    this.#dirty = false
  }
}
