import type { ShippedRecord } from './event.ts'

/**
 * Which records of a file are journaled. What was sent and not acknowledged is sent again, perhaps in another order, so the farthest one says nothing about those
 * before it. Records that follow one another make a run; its beginning stands in the fingerprint of their positions (`<file>@<start>`), so that the positions in the
 * journal say exactly which stretches of which files are there. Normally a file is one run.
 */
export class Runs {
  /** By file. */
  readonly #runs = new Map<string, Run[]>()

  /** As they stand in the journal. */
  constructor(positions: readonly { readonly fingerprint: string; readonly end: number }[]) {
    for (const { fingerprint, end } of positions) {
      const [, file, start] = /^([0-9a-f]{64})@(\d{1,16})$/.exec(fingerprint) ?? []
      if (file !== undefined) this.add({ file, start: Number(start), end })
    }
  }

  knows({ file, offset }: Pick<ShippedRecord, 'file' | 'offset'>): boolean {
    return this.#of(file).some((run) => run.start <= offset && offset < run.end)
  }

  /**
   * The position of a record that is not known, as part of the run that it continues. `add` it when it is durable; until then `pending` are those before it that are
   * not yet.
   */
  place(record: ShippedRecord, pending: readonly Placed[]): Placed {
    const { file, start, end } = record
    // Line ends of two octets lie between what is known of two records: one for each line. No record is so short.
    const precedes = (run: Run): boolean => run.end <= start && start <= run.end + record.lines
    const before =
      pending.findLast((placed) => placed.file === file && precedes(placed)) ?? this.#of(file).find(precedes)
    return { file, start: before?.start ?? start, offset: start, end }
  }

  add({ file, start, end }: Omit<Placed, 'offset'>): void {
    const runs = this.#of(file)
    const run = runs.find((one) => one.start === start)
    if (run === undefined) runs.push({ start, end })
    else run.end = Math.max(run.end, end)
  }

  #of(file: string): Run[] {
    const known = this.#runs.get(file)
    if (known !== undefined) return known
    const none: Run[] = []
    this.#runs.set(file, none)
    return none
  }
}

interface Run {
  readonly start: number
  end: number
}

/** A record in its run: the run begins at `start`, the record at `offset`. */
export interface Placed {
  readonly file: string
  readonly start: number
  readonly offset: number
  readonly end: number
}

export function fingerprintOf({ file, start }: Placed): string {
  return `${file}@${start}`
}
