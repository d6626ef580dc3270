import { dirname, resolve } from 'node:path'
import { watch } from 'chokidar'
import { messageOf } from '../../model/thrown.ts'
import { CollectorError } from '../error.ts'

/**
 * Something that rings when a log or its neighbours may have changed. Only a hint: a rotation shows as a mere change, a
 * network volume shows nothing at all, so the source polls as well and looks for itself.
 */
export type Hint = (
  path: string,
  wake: () => void,
  onProblem: (problem: CollectorError) => void,
) => { close(): Promise<void> }

/** Watches the log's directory, but in it only files whose name begins like the log's. */
export const chokidarHint: Hint = (path, wake, onProblem) => {
  const log = resolve(path)
  const directory = dirname(log)
  const watcher = watch(directory, {
    depth: 0,
    ignoreInitial: true,
    ignorePermissionErrors: true,
    ignored: (entry: string) => entry !== directory && !entry.startsWith(log),
  })
  watcher.on('all', wake)
  // What happened before the watch stood.
  watcher.on('ready', wake)
  watcher.on('error', (error) => {
    const reason = messageOf(error)
    onProblem(new CollectorError('watch_failed', `${directory}: ${reason}`, { cause: error }))
  })
  return { close: () => watcher.close() }
}

/** A wait that a ring cuts short. A ring while nobody waits ends the next wait at once. */
export class Bell {
  #rung = false
  #answer: (() => void) | undefined

  /** As a property, so that it can be handed over as a callback. */
  readonly ring = (): void => {
    this.#rung = true
    this.#answer?.()
  }

  /** Resolves after a ring, after `ms`, or when the signal aborts, whatever comes first. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#rung && !signal.aborted) {
      const { promise, resolve } = Promise.withResolvers<undefined>()
      const end = () => resolve(undefined)
      const timer = setTimeout(end, ms)
      signal.addEventListener('abort', end, { once: true })
      this.#answer = end
      await promise
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      this.#answer = undefined
    }
    this.#rung = false
  }
}
