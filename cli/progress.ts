/** One line that is drawn over itself while long work goes on; silent unless the stream is a terminal. */
export class ProgressLine {
  readonly #stream: NodeJS.WriteStream
  readonly #label: string
  #shown = ''

  constructor(stream: NodeJS.WriteStream, label: string) {
    this.#stream = stream
    this.#label = label
  }

  update(done: number, total: number): void {
    if (!this.#stream.isTTY) return
    const percent = total === 0 ? 100 : Math.floor((100 * done) / total)
    const line = `${this.#label} ${percent} % (${done} of ${total})`
    if (line === this.#shown) return
    this.#shown = line
    this.#stream.write(`\r\u001b[K${line}`)
  }

  end(): void {
    if (this.#shown !== '') this.#stream.write('\r\u001b[K')
    this.#shown = ''
  }
}
