/** Documents of one index, by their numbers [start, end): how many there were, and the digest over them. */
export interface Window {
  readonly start: number
  readonly end: number
  readonly count: number
  /** SHA-256, hex. */
  readonly digest: string
}

/** One shard of one index. A restored or reindexed index is another one: it has a UUID of its own. */
export interface Stream {
  readonly index: string
  readonly uuid: string
  readonly shard: number
}

export function streamName({ uuid, shard }: Stream): string {
  return `${uuid}/${shard}`
}

const STREAM = /^[\w-]{1,40}\/\d{1,4}$/
const WINDOW = /^([\w-]{1,40}\/\d{1,4})#(\d{1,16})\+(\d{1,9}):([0-9a-f]{64})$/
const ALTERED = /^([\w-]{1,40}\/\d{1,4})!(\d{1,16})$/
const GONE = /^([\w-]{1,40}\/\d{1,4})!gone$/

/** Positions that say more than how far we read; so what was notarised is found again in the journal, and nowhere else. */
export function windowMark(stream: string, { start, count, digest }: Window): string {
  return `${stream}#${start}+${count}:${digest}`
}

export function alteredMark(stream: string, start: number): string {
  return `${stream}!${start}`
}

export function rewrittenMark(stream: string, number: number): string {
  return `${stream}~${number}`
}

export function goneMark(stream: string): string {
  return `${stream}!gone`
}

/** What the journal knows of one stream. */
export class Known {
  /** Number of the next document. */
  next = 0
  /** In the order of their numbers. */
  readonly windows: Window[] = []
  /** Starts of the windows that were found altered; each is told once. */
  readonly altered = new Set<number>()
  isGone = false
}

/** As the positions in the journal have it. */
export function knownStreams(
  positions: readonly { readonly fingerprint: string; readonly end: number }[],
): Map<string, Known> {
  const streams = new Map<string, Known>()
  const of = (stream: string): Known => {
    const known = streams.get(stream) ?? new Known()
    streams.set(stream, known)
    return known
  }
  for (const { fingerprint, end } of positions) {
    const [, stream, start, count, digest] = WINDOW.exec(fingerprint) ?? []
    const [, altered, at] = ALTERED.exec(fingerprint) ?? []
    const [, gone] = GONE.exec(fingerprint) ?? []
    if (stream !== undefined && digest !== undefined)
      of(stream).windows.push({ start: Number(start), end, count: Number(count), digest })
    else if (altered !== undefined) of(altered).altered.add(Number(at))
    else if (gone !== undefined) of(gone).isGone = true
    else if (STREAM.test(fingerprint)) of(fingerprint).next = end
  }
  for (const { windows } of streams.values()) windows.sort((a, b) => a.start - b.start)
  return streams
}
