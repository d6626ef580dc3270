import type { Clock } from '../../../../model/time.ts'
import type { LogAction, LogNotice, Sink, SourceItem } from '../../../source.ts'
import type { History } from '../source.ts'
import { DocumentDigest, documentRecord } from './document.ts'
import type { Hit } from './document.ts'
import type { DocumentIndex } from './documents.ts'
import {
  Known,
  alteredMark,
  goneMark,
  knownStreams,
  rewrittenMark,
  streamName,
  windowMark,
} from './windows.ts'
import type { Stream, Window } from './windows.ts'

export interface ElasticsearchOptions {
  readonly source: string
  readonly index: DocumentIndex
  readonly positions: readonly { readonly fingerprint: string; readonly end: number }[]
  /** From one comparison to the next, in milliseconds. */
  readonly compare: number
  readonly now: Clock
}

/** Documents of a window, and milliseconds until one with fewer is closed. A window is one record of the journal, and is compared at once. */
const WINDOW_DOCUMENTS = 1000
const WINDOW_AGE = 600_000
/** Windows that are read again in one comparison. */
const COMPARED_AT_ONCE = 10

/**
 * The documents that Filebeat writes into Elasticsearch. Every write there has a number, one more than the one before; a document that is changed gets a new
 * one. So the numbers are the position, and what was read is notarised in windows of them: their digests stand in the journal, and are compared again and again.
 */
export class ElasticsearchHistory implements History {
  readonly #options: ElasticsearchOptions
  readonly #streams: Map<string, Known>
  readonly #open = new Map<string, OpenWindow>()
  #compared: number
  /** Windows that were compared, of all there are. */
  #turn = 0

  constructor(options: ElasticsearchOptions) {
    this.#options = options
    this.#streams = knownStreams(options.positions)
    this.#compared = options.now()
  }

  async read(sink: Sink, signal: AbortSignal): Promise<void> {
    const { index, now, compare } = this.#options
    const streams = await index.streams(signal)
    await this.#noteGone(new Set(streams.map(streamName)), sink)
    for (const stream of streams) {
      if (signal.aborted) return
      await this.#readStream(stream, sink, signal)
      const open = this.#open.get(streamName(stream))
      if (open !== undefined && now() - open.since >= WINDOW_AGE) await this.#closeWindow(open, sink)
    }
    if (now() - this.#compared < compare) return
    await this.#compare(streams, sink, signal)
    this.#compared = now()
  }

  async finish(sink: Sink): Promise<void> {
    for (const open of [...this.#open.values()]) await this.#closeWindow(open, sink)
  }

  async close(): Promise<void> {
    await this.#options.index.close()
  }

  async #readStream(stream: Stream, sink: Sink, signal: AbortSignal): Promise<void> {
    const { index, now } = this.#options
    const name = streamName(stream)
    const known = this.#knownOf(name)
    const settled = await index.settled(stream, signal)
    if (settled < known.next) return
    for await (const hits of index.read(stream, known.next, settled + 1, signal)) {
      await sink(hits.flatMap((hit) => this.#itemsOf(hit, stream)))
      const open = this.#open.get(name) ?? new OpenWindow(stream, hits[0]?._seq_no ?? 0, now())
      this.#open.set(name, open)
      open.digest.add(hits)
      open.end = known.next = (hits.at(-1)?._seq_no ?? 0) + 1
      if (open.digest.count >= WINDOW_DOCUMENTS) await this.#closeWindow(open, sink)
      if (signal.aborted) return
    }
    known.next = settled + 1
  }

  #itemsOf(hit: Hit, stream: Stream): SourceItem[] {
    const name = streamName(stream)
    const { _seq_no: number, _version: version } = hit
    const position = { source: this.#options.source, fingerprint: name, offset: number, end: number + 1 }
    const record = documentRecord(hit, position)
    // Filebeat creates documents, and never writes over one.
    if (version === 1) return [record]
    const message = `document ${JSON.stringify(hit._id)} in ${stream.index} was written ${version} times`
    const details = {
      index: stream.index,
      document: hit._id,
      number: String(number),
      version: String(version),
    }
    return [this.#notice('document_rewritten', rewrittenMark(name, number), [0, 0], message, details), record]
  }

  async #closeWindow(open: OpenWindow, sink: Sink): Promise<void> {
    const { stream, start, end, digest } = open
    const name = streamName(stream)
    const window = { start, end, count: digest.count, digest: digest.hex() }
    const message = `${stream.index}: ${window.count} documents, numbers ${start} to ${end - 1}`
    const details = { index: stream.index, shard: String(stream.shard), ...textsOf(window) }
    await sink([this.#notice('index_notarised', windowMark(name, window), [start, end], message, details)])
    this.#open.delete(name)
    this.#knownOf(name).windows.push(window)
  }

  /** Reads the next windows again. */
  async #compare(streams: readonly Stream[], sink: Sink, signal: AbortSignal): Promise<void> {
    const all = streams.flatMap((stream) => {
      const { windows, altered } = this.#knownOf(streamName(stream))
      return windows.filter(({ start }) => !altered.has(start)).map((window) => ({ stream, window }))
    })
    for (let i = 0; i < Math.min(COMPARED_AT_ONCE, all.length) && !signal.aborted; i++) {
      const next = all[this.#turn++ % all.length]
      if (next !== undefined) await this.#compareOne(next.stream, next.window, sink, signal)
    }
  }

  async #compareOne(stream: Stream, window: Window, sink: Sink, signal: AbortSignal): Promise<void> {
    const found = new DocumentDigest()
    for await (const hits of this.#options.index.read(stream, window.start, window.end, signal))
      found.add(hits)
    if (found.hex() === window.digest) return
    const name = streamName(stream)
    const missing = window.count - found.count
    const what = missing > 0 ? `${missing} of ${window.count} are gone or changed` : 'they have changed'
    const message = `${stream.index}: documents with numbers ${window.start} to ${window.end - 1} are not what was journaled: ${what}`
    const details = {
      ...{ index: stream.index, shard: String(stream.shard), ...textsOf(window) },
      ...{ foundCount: String(found.count), foundDigest: found.hex() },
    }
    await sink([this.#notice('index_altered', alteredMark(name, window.start), [0, 0], message, details)])
    this.#knownOf(name).altered.add(window.start)
  }

  /** Indices that we read and that are not there any more. Told once: retention may have removed them. */
  async #noteGone(present: ReadonlySet<string>, sink: Sink): Promise<void> {
    for (const [name, known] of this.#streams) {
      if (known.isGone || known.next === 0 || present.has(name)) continue
      const message = `an index that was read is not there any more: ${name}`
      await sink([this.#notice('log_missing', goneMark(name), [0, 0], message, { stream: name })])
      known.isGone = true
      this.#open.delete(name)
    }
  }

  #notice(
    action: LogAction,
    fingerprint: string,
    [offset, end]: readonly [number, number],
    message: string,
    details: Readonly<Record<string, string>>,
  ): LogNotice {
    const position = { source: this.#options.source, fingerprint, offset, end }
    return { kind: 'notice', action, position, message, details }
  }

  #knownOf(name: string): Known {
    const known = this.#streams.get(name) ?? new Known()
    this.#streams.set(name, known)
    return known
  }
}

/** What is journaled and not yet notarised. */
class OpenWindow {
  readonly stream: Stream
  readonly start: number
  readonly since: number
  readonly digest = new DocumentDigest()
  end: number

  constructor(stream: Stream, start: number, since: number) {
    this.stream = stream
    this.start = start
    this.since = since
    this.end = start
  }
}

function textsOf({ start, end, count, digest }: Window): Readonly<Record<string, string>> {
  return { from: String(start), to: String(end - 1), count: String(count), digest }
}
