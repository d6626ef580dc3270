/** The public files of a journal, as another serves them (`/tlog/`). Nothing that it gives is believed. */
export interface Remote {
  /**
   * Octets of a file from `from` on (default 0), at most `limit` of them; undefined: there is no such file. Rejects when it can't be had, and when there are
   * more.
   */
  get(path: string, limit: number, from?: number): Promise<Buffer | undefined>
}

/** Path of the list of kept checkpoints whose names come after the one of an hour (`2026-11-22T06Z`; '': all), in order. */
export function historyListPath(after: string): string {
  return after === '' ? 'checkpoints' : `checkpoints?after=${after}`
}

/** Names that one answer lists at most: 20 days of checkpoints with their timestamps. */
export const MAX_HISTORY_LIST = 1000

/** Path under which an artifact of less than 64 KiB is served, whose pack nobody else need know. */
export function smallArtifactPath(digest: string): string {
  return `artifact/${digest}`
}
