import { readFileSync, statSync } from 'node:fs'

/** Octets of a file that is read again and again; certificates and keys have some thousands. */
const MAX_SIZE = 1024 * 1024

/** A small text file that others replace while vigil runs: credentials are rotated. Read whenever it is asked for. */
export class CurrentFile {
  readonly #file: string
  #last: string

  /** `text`: what it held when it was read first. */
  constructor(file: string, text: string) {
    this.#file = file
    this.#last = text
  }

  /** What it holds now; what it last held, while it is being replaced or cannot be read. */
  get text(): string {
    try {
      if (statSync(this.#file).size <= MAX_SIZE) this.#last = readFileSync(this.#file, 'utf8')
    } catch {
      // A rotation that is under way, or went wrong: then what is shown expires, and prober_certificate_current says so.
    }
    return this.#last
  }
}
