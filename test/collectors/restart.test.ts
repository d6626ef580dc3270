import { appendFileSync, copyFileSync, renameSync, truncateSync, utimesSync } from 'node:fs'
import { writeFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import type { TestContext } from 'node:test'
import assert from 'node:assert/strict'
import { auditLine, seeded, TailedLog } from './support.ts'

const ROUNDS = 6
const STEPS = 100

/** Somebody who writes a log, rotates it, and is told nothing of who reads it. */
class Writer {
  readonly written: string[] = []
  readonly #path: string
  readonly #random: () => number
  #rest = ''
  #rotations = 0

  constructor(path: string, random: () => number) {
    this.#path = path
    this.#random = random
    writeFileSync(path, '')
  }

  get betweenRecords(): boolean {
    return this.#rest === ''
  }

  /** A whole record, or a part of one. */
  write(): void {
    if (this.#rest === '') {
      const n = this.written.length
      const lines = Math.floor(this.#random() * 1.3)
      const record = auditLine(n, `;x=${'\ncontinued'.repeat(lines * 3)}`)
      this.written.push(record)
      this.#rest = `${record}\n`
    }
    const length = this.#random() < 0.5 ? this.#rest.length : Math.ceil(this.#random() * this.#rest.length)
    appendFileSync(this.#path, this.#rest.slice(0, length))
    this.#rest = this.#rest.slice(length)
  }

  finishRecord(): void {
    appendFileSync(this.#path, this.#rest)
    this.#rest = ''
  }

  rename(): void {
    this.finishRecord()
    const rotated = this.#nextName()
    renameSync(this.#path, rotated)
    this.#setTime(rotated)
    writeFileSync(this.#path, '')
  }

  copyTruncate(): void {
    this.finishRecord()
    const copy = this.#nextName()
    copyFileSync(this.#path, copy)
    this.#setTime(copy)
    truncateSync(this.#path)
  }

  #nextName(): string {
    return `${this.#path}.${++this.#rotations}`
  }

  /** Rotated files are told apart by their times, which could be equal here. */
  #setTime(rotated: string): void {
    utimesSync(rotated, 2e9 + this.#rotations, 2e9 + this.#rotations)
  }
}

type Rotation = 'rename' | 'copyTruncate' | 'either'

async function story(t: TestContext, seed: number, rotation: Rotation): Promise<void> {
  const random = seeded(seed)
  const log = new TailedLog(t, { chunk: 1 + Math.floor(random() * 400), batch: 1000 })
  const writer = new Writer(log.path, random)
  // Before anything was recorded, older files are none of ours.
  writer.write()
  writer.finishRecord()
  await log.settle()
  for (let step = 0; step < STEPS; step++) {
    const dice = random()
    if (dice < 0.55) writer.write()
    else if (dice < 0.75) await log.poll()
    else if (dice < 0.8) {
      if (writer.betweenRecords) log.clock.advance(1000)
    } else if (dice < 0.87) log.journal.refuse = Math.floor(random() * 3)
    else if (dice < 0.94) await log.restart()
    else if (rotation === 'rename' || (rotation === 'either' && random() < 0.5)) writer.rename()
    else {
      // Nobody can know a copy of an empty file.
      writer.write()
      writer.copyTruncate()
    }
  }
  writer.write()
  writer.finishRecord()
  log.journal.refuse = 0
  await log.settle()
  await log.restart()
  await log.settle()
  const texts = log.journal.texts()
  const wrong = texts.findIndex((text, i) => text !== writer.written[i])
  assert.equal(wrong, -1, `seed ${seed}, ${rotation}: record ${wrong} is ${texts[wrong]?.slice(60) ?? ''}`)
  assert.equal(texts.length, writer.written.length, `seed ${seed}, ${rotation}: records are missing`)
}

describe('a source that is stopped, refused and rotated at random', () => {
  for (const rotation of ['rename', 'copyTruncate', 'either'] as const) {
    it(`loses nothing and repeats nothing (${rotation})`, async (t) => {
      for (let seed = 1; seed <= ROUNDS; seed++) await story(t, seed, rotation)
    })
  }
})
