import type { StatementSync } from 'node:sqlite'
import { DURATION_BUCKETS, durationBucket } from '../../model/durationBuckets.ts'
import { integer, text } from './row.ts'

const HOUR = 3_600_000

interface Delta {
  readonly hour: number
  readonly target: number
  runs: number
  failures: number
  readonly buckets: number[]
}

/** Gathers the runs of a batch, so that an hour's row is read and written once however many runs the batch holds. */
export class RollUps {
  readonly #prepare: (sql: string) => StatementSync
  readonly #deltas = new Map<string, Delta>()

  constructor(prepare: (sql: string) => StatementSync) {
    this.#prepare = prepare
  }

  /** Start and duration in milliseconds. */
  add(run: { target: number; start: number; duration: number; failed: boolean }): void {
    const hour = Math.floor(run.start / HOUR) * HOUR
    const key = `${hour}:${run.target}`
    let delta = this.#deltas.get(key)
    if (delta === undefined) {
      delta = { hour, target: run.target, runs: 0, failures: 0, buckets: emptyBuckets() }
      this.#deltas.set(key, delta)
    }
    delta.runs++
    if (run.failed) delta.failures++
    count(delta.buckets, durationBucket(run.duration), 1)
  }

  write(): void {
    for (const delta of this.#deltas.values()) {
      const row = this.#prepare('SELECT buckets FROM roll_up WHERE hour = ? AND target = ?').get(
        delta.hour,
        delta.target,
      )
      if (row !== undefined)
        for (const [i, runs] of parseBuckets(text(row, 'buckets')).entries()) count(delta.buckets, i, runs)
      this.#prepare(
        'INSERT INTO roll_up (hour, target, runs, failures, buckets) VALUES (?, ?, ?, ?, ?) ' +
          'ON CONFLICT (hour, target) DO UPDATE SET runs = runs + excluded.runs, ' +
          'failures = failures + excluded.failures, buckets = excluded.buckets',
      ).run(delta.hour, delta.target, delta.runs, delta.failures, formatBuckets(delta.buckets))
    }
    this.#deltas.clear()
  }

  /** After a batch that was rolled back. */
  forget(): void {
    this.#deltas.clear()
  }
}

export function parseBuckets(sparse: string): number[] {
  const buckets = emptyBuckets()
  for (const pair of sparse.split(' ')) {
    const [bucket, runs] = pair.split(':').map(Number)
    const row = { bucket: bucket ?? null, runs: runs ?? null }
    count(buckets, integer(row, 'bucket'), integer(row, 'runs'))
  }
  return buckets
}

function formatBuckets(buckets: readonly number[]): string {
  return buckets.flatMap((runs, i) => (runs === 0 ? [] : [`${i}:${runs}`])).join(' ')
}

function emptyBuckets(): number[] {
  return new Array<number>(DURATION_BUCKETS).fill(0)
}

function count(buckets: number[], bucket: number, runs: number): void {
  buckets[bucket] = (buckets[bucket] ?? 0) + runs
}
