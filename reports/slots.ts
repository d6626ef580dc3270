/** Widths of a slot, each a multiple of the one before, so that slots merge. */
const WIDTHS_MS = [5, 10, 30, 60, 300, 900, 3600, 21_600, 86_400, 604_800, 2_419_200].map((s) => s * 1000)

/** A month of days, and room for a period that does not start at midnight. */
const MAX_SLOTS = 62

/** Runs that started within one slot. */
export interface Slot {
  runs: number
  failures: number
  /** Milliseconds, over all runs. */
  sum: number
  longest: number
}

/**
 * The time axis that all charts of a report share. How much of the period holds runs is known only after the last one,
 * so slots start narrow, and become wider (for all series at once) when there would be too many.
 */
export class TimeAxis {
  #step = 0
  #first = Infinity
  #last = -Infinity

  get width(): number {
    return WIDTHS_MS[this.#step] ?? Infinity
  }

  /** Takes in an instant in ms, and returns the index of its slot (slot i starts at i × width). */
  slotOf(at: number): number {
    if (at < this.#first) this.#first = at
    if (at > this.#last) this.#last = at
    while (
      Math.floor(this.#last / this.width) - Math.floor(this.#first / this.width) >= MAX_SLOTS &&
      this.#step < WIDTHS_MS.length - 1
    )
      this.#step++
    return Math.floor(at / this.width)
  }

  /** From the start of the first slot to the end of the last; undefined when nothing was taken in. */
  extent(): { from: number; to: number } | undefined {
    if (this.#last < this.#first) return undefined
    return {
      from: Math.floor(this.#first / this.width) * this.width,
      to: (Math.floor(this.#last / this.width) + 1) * this.width,
    }
  }
}

/** Runs of one target along the shared axis. */
export class SlotSeries {
  readonly #axis: TimeAxis
  #width: number
  #slots = new Map<number, Slot>()

  constructor(axis: TimeAxis) {
    this.#axis = axis
    this.#width = axis.width
  }

  add(at: number, duration: number, failed: boolean): void {
    const index = this.#axis.slotOf(at)
    this.#widen()
    let slot = this.#slots.get(index)
    if (slot === undefined) {
      slot = { runs: 0, failures: 0, sum: 0, longest: 0 }
      this.#slots.set(index, slot)
    }
    slot.runs++
    if (failed) slot.failures++
    slot.sum += duration
    if (duration > slot.longest) slot.longest = duration
  }

  /** Adds what this series holds to `into`, by slot index. */
  mergeInto(into: Map<number, Slot>): void {
    this.#widen()
    for (const [index, slot] of this.#slots) mergeSlot(into, index, slot)
  }

  #widen(): void {
    if (this.#width === this.#axis.width) return
    const wider = new Map<number, Slot>()
    const ratio = this.#axis.width / this.#width
    for (const [index, slot] of this.#slots) mergeSlot(wider, Math.floor(index / ratio), slot)
    this.#slots = wider
    this.#width = this.#axis.width
  }
}

function mergeSlot(into: Map<number, Slot>, index: number, slot: Slot): void {
  const there = into.get(index)
  if (there === undefined) {
    into.set(index, { ...slot })
    return
  }
  there.runs += slot.runs
  there.failures += slot.failures
  there.sum += slot.sum
  there.longest = Math.max(there.longest, slot.longest)
}
