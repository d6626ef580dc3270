/** Looks at something at once and then at an interval, never twice at a time: while one look waits for the disk, more of them would only pile up. */
export class Looks {
  readonly #look: () => Promise<unknown>
  readonly #onError: (error: unknown) => void
  #timer: NodeJS.Timeout | undefined
  #running: Promise<void> | undefined

  constructor(look: () => Promise<unknown>, onError: (error: unknown) => void) {
    this.#look = look
    this.#onError = onError
  }

  /** `interval` in milliseconds. */
  start(interval: number): void {
    this.#timer = setInterval(() => this.#next(), interval)
    this.#next()
  }

  /** Without waiting for the interval; not while one is under way. */
  look(): void {
    this.#next()
  }

  /** Waits for the look under way. */
  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#running
  }

  #next(): void {
    this.#running ??= this.#look()
      .then(() => undefined, this.#onError)
      .finally(() => (this.#running = undefined))
  }
}
