import type { Journal } from '../../journal/journal.ts'
import type { Finding } from '../../model/finding.ts'
import type { Action } from '../../model/action.ts'
import type { SealedRecord } from '../../model/record.ts'
import { fromTimestamp } from '../../model/time.ts'

/** Something that really happened: it stands in the journal. */
export interface Happening<T> {
  readonly what: T
  /** When it was journaled, in ms since the epoch. */
  readonly at: number
}

/** A step of the story that did not happen in time. */
export class MissedStep extends Error {
  constructor(step: string, timeout: number) {
    super(`${step}: not within ${Math.round(timeout / 1000)} s`)
    this.name = 'MissedStep'
  }
}

export type Find<T> = (record: SealedRecord) => T | undefined

/** Follows the journal of the demo, tells listeners about every record, and waits for those that the story is about. */
export class Chronicle implements AsyncDisposable {
  readonly #stop = new AbortController()
  readonly #done: Promise<void>
  readonly #listeners = new Set<(record: SealedRecord) => void>()

  constructor(journal: Journal) {
    this.#done = this.#follow(journal)
  }

  async #follow(journal: Journal): Promise<void> {
    for await (const batch of journal.follow(undefined, this.#stop.signal)) {
      for (const record of batch) for (const listener of this.#listeners) listener(record)
    }
  }

  /** Returns what ends the listening. */
  listen(listener: (record: SealedRecord) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The first record from now on in which `find` finds something. Throws MissedStep. */
  waitFor<T>(step: string, timeout: number, find: Find<T>): Promise<Happening<T>> {
    return new Promise((resolve, reject) => {
      const end = this.listen((record) => {
        const what = find(record)
        if (what === undefined) return
        clearTimeout(timer)
        end()
        resolve({ what, at: fromTimestamp(record.recorded) })
      })
      const timer = setTimeout(() => {
        end()
        reject(new MissedStep(step, timeout))
      }, timeout)
      // A demo that is interrupted must not live on for a step that nobody waits for any more.
      timer.unref()
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort()
    await this.#done
  }
}

export function decision(rule: string, subject: string, state: Finding['state']): Find<Finding> {
  return (record) =>
    record.kind === 'decision' &&
    record.body.rule === rule &&
    record.body.subject === subject &&
    record.body.state === state
      ? record.body
      : undefined
}

export function action(
  rule: string,
  subject: string,
  kind: Action['kind'],
  status: Action['status'],
): Find<Action> {
  return (record) =>
    record.kind === 'action' &&
    record.body.kind === kind &&
    record.body.rule === rule &&
    record.body.subject === subject &&
    record.body.status === status
      ? record.body
      : undefined
}
