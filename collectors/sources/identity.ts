import { createHash } from 'node:crypto'

/** Octets of a first line that make the fingerprint. A line longer than this identifies its file by its beginning. */
export const HEAD_LIMIT = 64 * 1024

/**
 * What identifies a file: its first line, without line feed, at most HEAD_LIMIT octets of it. undefined while that line
 * is neither complete nor that long: such a file has no identity yet, and nothing of it is handed over, so none is needed.
 */
export function headOf(beginning: Uint8Array): Uint8Array | undefined {
  const feed = beginning.indexOf(0x0a)
  if (feed !== -1 && feed <= HEAD_LIMIT) return beginning.subarray(0, feed)
  return beginning.length >= HEAD_LIMIT ? beginning.subarray(0, HEAD_LIMIT) : undefined
}

export function sha256(...parts: readonly (string | Uint8Array)[]): string {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest('hex')
}

/**
 * Position under which the end of a file is journaled, with the range [0, 0). Positions in the store know nothing of time
 * or order; this mark says that a file is over, so that after a restart exactly the unfinished one is looked for.
 */
export function closedMark(fingerprint: string): string {
  return sha256('vigil log closed\n', fingerprint)
}

/** Fingerprint of a file that begins like one that is over: truncated and rewritten with the same first line. */
function nextGeneration(fingerprint: string): string {
  return sha256('vigil log next\n', fingerprint)
}

/** The highest `end` of every fingerprint of one source, as journaled. */
export type KnownPositions = ReadonlyMap<string, number>

/** The fingerprint under which a file with this first line is read: the first generation that is not over. */
export function currentGeneration(headFingerprint: string, known: KnownPositions): string {
  let fingerprint = headFingerprint
  while (known.has(closedMark(fingerprint))) fingerprint = nextGeneration(fingerprint)
  return fingerprint
}

/** Whether a file with this first line was read before, or is over without a record of it. */
export function wasRead(headFingerprint: string, known: KnownPositions): boolean {
  return known.has(headFingerprint) || known.has(closedMark(headFingerprint))
}

/** Fingerprints that were begun and are not over, with how far they were read. Normally one: the live file's. */
export function unfinished(known: KnownPositions): { fingerprint: string; end: number }[] {
  return [...known]
    .filter(([fingerprint, end]) => end > 0 && !known.has(closedMark(fingerprint)))
    .map(([fingerprint, end]) => ({ fingerprint, end }))
}
