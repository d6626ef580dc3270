/** `origin/epoch/entry/n`: unique for ever, and where the record stands in the log. */
export type RecordId = string

export interface Position {
  /** Entry index in the log, from 0. */
  readonly entry: number
  /** Record within the entry, from 0. */
  readonly n: number
}

export function formatRecordId(origin: string, epoch: number, at: Position): RecordId {
  return `${origin}/${epoch}/${at.entry}/${at.n}`
}

/** undefined when the text is not a record id. The origin may itself hold slashes. */
export function parseRecordId(id: RecordId): ({ origin: string; epoch: number } & Position) | undefined {
  const match = /^(.+)\/(\d{1,15})\/(\d{1,15})\/(\d{1,6})$/.exec(id)
  if (match?.[1] === undefined) return undefined
  return { origin: match[1], epoch: Number(match[2]), entry: Number(match[3]), n: Number(match[4]) }
}
