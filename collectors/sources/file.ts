import { stat } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { BigIntStats } from 'node:fs'
import { messageOf } from '../../model/thrown.ts'
import type { Clock } from '../../model/time.ts'
import { CollectorError, fileError } from '../error.ts'
import type { FileAction, LogNotice, Sink, Source, SourceItem } from '../source.ts'
import { closedMark, currentGeneration, sha256, unfinished, wasRead } from './identity.ts'
import { GzipLog, isGzipName } from './gzipLog.ts'
import { LogFile, sameFile } from './logFile.ts'
import type { OpenLog, OpenOptions } from './logFile.ts'
import type { FramedRecord } from './records.ts'
import { newestSibling, oldestRotated } from './siblings.ts'
import type { Sibling } from './siblings.ts'
import { Bell, chokidarHint } from './wake.ts'
import type { Hint } from './wake.ts'

/** Milliseconds between two looks at the file when nothing rang. */
const POLL_INTERVAL_MS = 1000
/** Milliseconds without a new octet after which the last record is taken to be complete. */
const QUIET_MS = 1000
/** Octets read at once. */
const CHUNK_OCTETS = 256 * 1024
/** Octets after which records are handed over: a backlog of a million lines waits about sixty times for the journal's seal. */
const BATCH_OCTETS = 4 * 1024 * 1024

export interface FileSourceOptions {
  /** Log source id in the inventory. */
  readonly source: string
  readonly path: string
  readonly startsRecord: (line: Uint8Array) => boolean
  /** Where this source was read up to, from the store. Without any, the file is read from its beginning. */
  readonly positions: readonly { readonly fingerprint: string; readonly end: number }[]
  readonly now: Clock
  /** Told once for each problem, and again when it comes back after it was gone. */
  readonly onProblem: (problem: CollectorError) => void
  readonly pollInterval?: number
  readonly quiet?: number
  /** Octets kept of one record. */
  readonly maxRecord?: number
  readonly chunk?: number
  readonly batch?: number
  readonly hint?: Hint
}

/** The file being read. */
interface Current {
  readonly file: OpenLog
  /** live: opened under the log's own path. rotated: found beside it. copy: found beside it after a truncation. */
  readonly role: 'live' | 'rotated' | 'copy'
  /** undefined while its first line is incomplete. */
  fingerprint: string | undefined
  /** Everything before is durable. */
  end: number
  /** When something was last read. */
  grown: number
}

/**
 * Tails one log file: one file is open at a time, read to its end, closed with a notice, and followed by the next. What
 * was handed over moves the position only when the sink resolves; what was not is read again. docs/collectors.md says
 * what is guaranteed and what is not.
 */
export class FileSource implements Source {
  readonly #options: FileSourceOptions
  readonly #quiet: number
  readonly #known: Map<string, number>
  #current: Current | undefined
  /** Whether the files that were left unfinished have been dealt with. */
  #recovered = false
  /** Rotated files at least as new as this that were never read come before the live one. undefined: there are none. */
  #unreadSince: bigint | undefined
  /** When the directory last changed as no unread file was found in it. */
  #searched: bigint | undefined
  #problems = new Map<string, CollectorError>()
  #problemsBefore = new Map<string, CollectorError>()

  constructor(options: FileSourceOptions) {
    this.#options = options
    this.#quiet = options.quiet ?? QUIET_MS
    this.#known = new Map(options.positions.map((p) => [p.fingerprint, p.end]))
  }

  /** What hinders reading now. */
  get problems(): readonly CollectorError[] {
    return [...this.#problemsBefore.values()]
  }

  async run(sink: Sink, signal: AbortSignal): Promise<void> {
    const bell = new Bell()
    const hint = (this.#options.hint ?? chokidarHint)(this.#options.path, bell.ring, (problem) =>
      this.#options.onProblem(problem),
    )
    try {
      while (!signal.aborted) {
        await this.poll(sink, signal)
        const interval = this.#options.pollInterval ?? POLL_INTERVAL_MS
        const holding = this.#current?.file.holding === true
        await bell.wait(holding ? Math.min(interval, this.#quiet) : interval, signal)
      }
    } finally {
      await hint.close()
      await this.close()
    }
  }

  async poll(sink: Sink, signal?: AbortSignal): Promise<void> {
    try {
      while (await this.#step(sink, signal)) if (aborted(signal)) break
    } catch (error) {
      this.#report(fileError(this.#options.path, error))
      await this.#rewind()
    }
    this.#problemsBefore = this.#problems
    this.#problems = new Map()
  }

  async close(): Promise<void> {
    const file = this.#current?.file
    this.#current = undefined
    await file?.close()
  }

  /** True when there may be more to do at once. */
  async #step(sink: Sink, signal: AbortSignal | undefined): Promise<boolean> {
    this.#current ??= await this.#next(sink)
    const current = this.#current
    if (current.fingerprint === undefined) {
      const begun = await this.#begin(current)
      if (begun === 'incomplete') return false
      if (begun === 'changed') return this.#truncated(current, sink)
      if (begun === 'nothing' || begun === 'preceded') return this.#leave()
    }
    if (!(await this.#drain(current, sink, signal))) return this.#truncated(current, sink)
    if (aborted(signal)) return false
    if (current.role === 'copy' || (await this.#superseded(current))) {
      // Whoever writes to the next file has written everything to this one before: one more look, and it is complete.
      if (!(await this.#drain(current, sink, signal))) return this.#truncated(current, sink)
      if (aborted(signal)) return false
      return this.#finish(current, sink)
    }
    if (current.file.holding && this.#options.now() - current.grown >= this.#quiet)
      await this.#deliver(current, current.file.release(), sink)
    return false
  }

  /** The file to read next: one left unfinished, else the oldest rotated one that was never read, else the live one. */
  async #next(sink: Sink): Promise<Current> {
    // The live file is opened first: what is rotated afterwards is this one, what was rotated before is found beside it.
    const live = await this.#open(this.#options.path, 'live')
    try {
      const earlier = (await this.#recover(live, sink)) ?? (await this.#unread([live.file]))
      if (earlier === undefined) return live
      await live.file.close()
      return await this.#openSibling(earlier, 'rotated')
    } catch (error) {
      await live.file.close()
      throw error
    }
  }

  /** After a start: finds what was read last. Reports what is gone. */
  async #recover(live: Current, sink: Sink): Promise<Sibling | undefined> {
    if (this.#recovered || this.#known.size === 0) {
      this.#recovered = true
      return undefined
    }
    const head = await live.file.identify('complete')
    const liveFingerprint = head && currentGeneration(sha256(head), this.#known)
    for (const { fingerprint, end } of unfinished(this.#known)) {
      if (fingerprint === liveFingerprint) continue
      const found = await this.#find(fingerprint, end, live.file)
      if (found !== undefined) return found
      this.#unreadSince = -1n
      await this.#notify('log_missing', fingerprint, end, this.#options.path, sink)
    }
    if (liveFingerprint === undefined || !this.#known.has(liveFingerprint)) {
      const last = await newestSibling(this.#search([live.file]), (s) =>
        wasRead(s.headFingerprint, this.#known),
      )
      this.#unreadSince ??= last?.mtimeNs ?? -1n
    }
    this.#recovered = true
    return undefined
  }

  async #open(path: string, role: Current['role']): Promise<Current> {
    const options = this.#openOptions(role === 'live' ? 'follow' : 'refuse')
    const isZipped = role !== 'live' && isGzipName(path)
    const file = isZipped ? await GzipLog.open(path, options) : await LogFile.open(path, options)
    return { file, role, fingerprint: undefined, end: 0, grown: this.#options.now() }
  }

  #openOptions(links: 'follow' | 'refuse'): OpenOptions {
    const { startsRecord, maxRecord, chunk, now } = this.#options
    const framer = { startsRecord, ...(maxRecord === undefined ? {} : { limit: maxRecord }) }
    return { links, framer, chunk: chunk ?? CHUNK_OCTETS, now }
  }

  async #openSibling(sibling: Sibling, role: 'rotated' | 'copy'): Promise<Current> {
    const current = await this.#open(sibling.path, role)
    if (sameFile(current.file.key, sibling.key)) return current
    await current.file.close()
    throw new CollectorError('file_missing', `${sibling.path}: renamed while it was opened`)
  }

  /** Identifies the file and goes to where it was left. */
  async #begin(current: Current): Promise<'ready' | 'incomplete' | 'changed' | 'nothing' | 'preceded'> {
    let head = await current.file.identify(current.role === 'live' ? 'complete' : 'any')
    if (head === undefined) {
      if (!(await this.#superseded(current))) return 'incomplete'
      head = await current.file.identify('any')
      if (head === undefined) return 'nothing'
    }
    // Before it had a first line it may have been copied and truncated.
    if (current.role === 'live' && (await this.#unread([current.file])) !== undefined) return 'preceded'
    this.#unreadSince = undefined
    current.fingerprint = currentGeneration(sha256(head), this.#known)
    current.end = this.#known.get(current.fingerprint) ?? 0
    return (await current.file.seek(current.end)) ? 'ready' : 'changed'
  }

  /** Hands over everything up to the end of the file. False when the file is no longer what it was. */
  async #drain(current: Current, sink: Sink, signal: AbortSignal | undefined): Promise<boolean> {
    while (!aborted(signal)) {
      const { records, state, grown } = await current.file.read(this.#options.batch ?? BATCH_OCTETS)
      if (grown) current.grown = this.#options.now()
      await this.#deliver(current, records, sink)
      if (state !== 'more') return state === 'end'
    }
    return true
  }

  /** Whether writing has moved on to another file. */
  async #superseded(current: Current): Promise<boolean> {
    let now: BigIntStats
    try {
      now = await stat(this.#options.path, { bigint: true })
    } catch (error) {
      this.#report(fileError(this.#options.path, error))
      return false
    }
    if (sameFile(now, current.file.key)) return false
    if (!now.isFile()) {
      this.#report(new CollectorError('not_a_file', `${this.#options.path}: expected a regular file`))
      return false
    }
    if (now.size > 0n) return true
    const directory = (await stat(dirname(this.#options.path), { bigint: true })).mtimeNs
    if (directory === this.#searched) return false
    this.#unreadSince ??= (await current.file.stat()).mtimeNs
    const newer = await this.#unread([current.file, { key: now }])
    this.#searched = newer === undefined ? directory : undefined
    return newer !== undefined
  }

  /** The file is over: hands over what is left of it, and says so. */
  async #finish(current: Current, sink: Sink): Promise<boolean> {
    const { nlink, mtimeNs } = await current.file.stat()
    const successor = current.role === 'live' ? await this.#successor(current.file) : 'another'
    if (successor === 'same') return this.#leave()
    await this.#deliver(current, current.file.finish(), sink)
    const action =
      successor === 'rewritten' || current.role === 'copy'
        ? 'log_truncated'
        : nlink === 0n
          ? 'log_removed'
          : 'log_rotated'
    await this.#notify(action, current.fingerprint ?? '', current.end, current.file.path, sink)
    this.#unreadSince = mtimeNs
    return this.#leave()
  }

  /** What now stands under the log's path: the same log moved to another file, a changed version of it, or another one. */
  async #successor(file: OpenLog): Promise<'same' | 'rewritten' | 'another'> {
    const live = await LogFile.open(this.#options.path, this.#openOptions('follow'))
    try {
      return await file.comparedTo(live)
    } finally {
      await live.close()
    }
  }

  /** The file was cut or rewritten in place. What was not read in time may be in a copy beside it (copytruncate). */
  async #truncated(current: Current, sink: Sink): Promise<boolean> {
    const fingerprint = current.fingerprint ?? ''
    const copy =
      current.role === 'copy' ? undefined : await this.#find(fingerprint, current.end, current.file)
    if (copy !== undefined) {
      const opened = await this.#openSibling(copy, 'copy')
      await this.#leave()
      this.#current = opened
      return true
    }
    await this.#deliver(current, current.file.finish(), sink)
    await this.#notify('log_truncated', fingerprint, current.end, current.file.path, sink)
    this.#unreadSince = current.file.modified
    return this.#leave()
  }

  async #leave(): Promise<true> {
    await this.close()
    this.#searched = undefined
    return true
  }

  /** After a failure: what was read and is not durable is read again. */
  async #rewind(): Promise<void> {
    const current = this.#current
    if (current?.fingerprint === undefined) return
    try {
      await current.file.seek(current.end)
    } catch (error) {
      this.#report(fileError(current.file.path, error))
    }
  }

  async #deliver(current: Current, records: readonly FramedRecord[], sink: Sink): Promise<void> {
    const last = records.at(-1)
    const fingerprint = current.fingerprint
    if (last === undefined || fingerprint === undefined) return
    const source = this.#options.source
    const file = await current.file.fingerprint()
    await this.#hand(
      records.map(({ bytes, offset, end, lastLine, damage }) => ({
        kind: 'record',
        bytes,
        position: { source, fingerprint, offset, end },
        ...(file === undefined ? {} : { place: { file, offset: lastLine } }),
        ...(damage === undefined ? {} : { damage }),
      })),
      sink,
    )
    current.end = last.end
    this.#known.set(fingerprint, last.end)
  }

  async #notify(
    action: FileAction,
    fingerprint: string,
    end: number,
    path: string,
    sink: Sink,
  ): Promise<void> {
    const mark = closedMark(fingerprint)
    const notice: LogNotice = {
      kind: 'notice',
      action,
      position: { source: this.#options.source, fingerprint: mark, offset: 0, end: 0 },
      message: `${basename(path)} ${MESSAGES[action]}; ${end} octets of it were recorded`,
      details: { file: path, fingerprint, recorded: String(end) },
    }
    await this.#hand([notice], sink)
    this.#known.set(mark, 0)
  }

  async #hand(items: readonly SourceItem[], sink: Sink): Promise<void> {
    try {
      await sink(items)
    } catch (error) {
      const reason = messageOf(error)
      throw new CollectorError('not_recorded', `${this.#options.path}: not recorded: ${reason}`, {
        cause: error,
      })
    }
  }

  #search(except: readonly Pick<OpenLog, 'key'>[]) {
    return {
      log: this.#options.path,
      except: except.map((file) => file.key),
      onProblem: (problem: CollectorError) => this.#report(problem),
    }
  }

  /** The file beside the log that has this fingerprint and is not shorter than what was read. */
  async #find(fingerprint: string, end: number, except: OpenLog): Promise<Sibling | undefined> {
    return newestSibling(
      this.#search([except]),
      (s) => s.size >= end && currentGeneration(s.headFingerprint, this.#known) === fingerprint,
    )
  }

  async #unread(except: readonly Pick<OpenLog, 'key'>[]): Promise<Sibling | undefined> {
    const since = this.#unreadSince
    if (since === undefined) return undefined
    return oldestRotated(
      this.#search(except),
      (s) => s.mtimeNs >= since && !wasRead(s.headFingerprint, this.#known),
    )
  }

  #report(problem: CollectorError): void {
    const key = `${problem.code} ${problem.message}`
    if (!this.#problems.has(key) && !this.#problemsBefore.has(key)) this.#options.onProblem(problem)
    this.#problems.set(key, problem)
  }
}

/** As a call, because the answer changes between two awaits. */
function aborted(signal: AbortSignal | undefined): boolean {
  return signal?.aborted === true
}

const MESSAGES: Readonly<Record<FileAction, string>> = {
  log_rotated: 'was renamed and read to its end',
  log_truncated: 'was truncated or overwritten: lines may be missing',
  log_removed: 'was removed after it was read to its end',
  log_missing: 'is no longer the file that was read, which is gone: lines may be missing',
}
