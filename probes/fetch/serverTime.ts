/** What an answer says of the time. */
export interface ServerTime {
  /** Name or address that was asked, without its port: what runs on one machine has one clock. */
  readonly host: string
  /** Milliseconds since the epoch. */
  readonly time: number
}

type Listener = (heard: ServerTime) => void

const listeners = new Set<Listener>()

/** Tells of every answer that says its time. No probe judges by it; it is for whoever compares clocks. Returns what ends it. */
export function onServerTime(listener: Listener): () => void {
  listeners.add(listener)
  return () => listeners.delete(listener)
}

/** What a cache answers for another is of the time at which that one said it, and is left out. */
export function tellServerTime(host: string, headers: Readonly<Record<string, string>>): void {
  if (listeners.size === 0 || headers['date'] === undefined || headers['age'] !== undefined) return
  const time = Date.parse(headers['date'])
  if (!Number.isNaN(time)) for (const tell of listeners) tell({ host, time })
}
