/** `origin/epoch/entry/n`: unique for ever, and where the record stands in the log. */
export type RecordId = string

export interface Position {
  /** Entry index in the log, from 0. */
  readonly entry: number
  /** Record within the entry, from 0. */
  readonly n: number
}

/** In one of the epochs of an origin's journal, which follow one another. */
export interface EpochPosition extends Position {
  readonly epoch: number
}

export function formatRecordId(origin: string, epoch: number, at: Position): RecordId {
  return `${origin}/${epoch}/${at.entry}/${at.n}`
}

/** undefined when the text is not a record id. The origin may itself hold slashes. */
export function parseRecordId(id: RecordId): ({ readonly origin: string } & EpochPosition) | undefined {
  const match = /^(.+)\/(\d{1,15})\/(\d{1,15})\/(\d{1,6})$/.exec(id)
  if (match?.[1] === undefined) return undefined
  return { origin: match[1], epoch: Number(match[2]), entry: Number(match[3]), n: Number(match[4]) }
}

/** Negative, zero or positive: `a` before, at or after `b`, in one epoch. */
export function comparePositions(a: Position, b: Position): number {
  return a.entry - b.entry || a.n - b.n
}

/** The same for the journal of one origin, whose later epochs come later. */
export function compareInJournal(a: EpochPosition, b: EpochPosition): number {
  return a.epoch - b.epoch || comparePositions(a, b)
}

/** The same for records; 0 when one is no record id. */
export function compareRecordIds(a: RecordId, b: RecordId): number {
  const [x, y] = [parseRecordId(a), parseRecordId(b)]
  return x === undefined || y === undefined ? 0 : compareInJournal(x, y)
}
