import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { CollectorError } from '../../collectors/error.ts'
import type { LogNotice, RawRecord, SourceItem } from '../../collectors/source.ts'
import { FileSource } from '../../collectors/sources/file.ts'
import type { FileSourceOptions } from '../../collectors/sources/file.ts'
import { startsWithTime } from '../../collectors/formats/wildfly.ts'

/** A directory that is removed when the test ends. */
export function temporaryDirectory(t: TestContext): string {
  const directory = mkdtempSync(join(tmpdir(), 'vigil-collectors-'))
  t.after(() => rmSync(directory, { recursive: true, force: true }))
  return directory
}

export class FakeClock {
  ms = Date.UTC(2026, 10, 22, 6)
  readonly now = (): number => this.ms
  advance(ms: number): void {
    this.ms += ms
  }
}

/** What the journal and the store do for a source: keep items, and know the highest `end` of every fingerprint. */
class FakeJournal {
  readonly items: SourceItem[] = []
  /** How many of the next deliveries are refused. */
  refuse = 0

  readonly sink = (items: readonly SourceItem[]): Promise<void> => {
    if (this.refuse > 0) {
      this.refuse--
      return Promise.reject(new Error('disk full'))
    }
    this.items.push(...items)
    return Promise.resolve()
  }

  positions(): { fingerprint: string; end: number }[] {
    const highest = new Map<string, number>()
    for (const { position } of this.items)
      highest.set(position.fingerprint, Math.max(highest.get(position.fingerprint) ?? 0, position.end))
    return [...highest].map(([fingerprint, end]) => ({ fingerprint, end }))
  }

  records(): RawRecord[] {
    return this.items.filter((item) => item.kind === 'record')
  }

  texts(): string[] {
    return this.records().map((record) => Buffer.from(record.bytes).toString())
  }

  notices(): LogNotice[] {
    return this.items.filter((item) => item.kind === 'notice')
  }

  actions(): string[] {
    return this.notices().map((notice) => notice.action)
  }
}

/** A source over one log, which can be stopped and started again as after a restart of the process. */
export class TailedLog {
  readonly path: string
  readonly clock = new FakeClock()
  readonly journal = new FakeJournal()
  readonly problems: CollectorError[] = []
  readonly #options: Partial<FileSourceOptions>
  source: FileSource

  constructor(t: TestContext, options: Partial<FileSourceOptions> = {}) {
    this.path = options.path ?? join(temporaryDirectory(t), 'audit.log')
    this.#options = options
    this.source = this.#start()
    t.after(() => this.source.close())
  }

  #start(): FileSource {
    return new FileSource({
      source: 'ejbca-vm',
      path: this.path,
      startsRecord: startsWithTime,
      positions: this.journal.positions(),
      now: this.clock.now,
      onProblem: (problem) => this.problems.push(problem),
      ...this.#options,
    })
  }

  poll(): Promise<void> {
    return this.source.poll(this.journal.sink)
  }

  /** Polls until the last record was quiet long enough to be given out. */
  async settle(): Promise<void> {
    await this.poll()
    this.clock.advance(1000)
    await this.poll()
  }

  /** As after a crash: nothing but what was journaled is known. */
  async restart(): Promise<void> {
    await this.source.close()
    this.source = this.#start()
  }
}

/** One audit line (without line feed) that carries a number. */
export function auditLine(n: number, more = ''): string {
  const seconds = String(n % 60).padStart(2, '0')
  return `2026-11-22 05:00:${seconds}+00:00;CA_USERAUTH;SUCCESS;CA;EJBCA;ejbca;1;;user${n};msg=Authenticated user ${n}.${more}`
}

export function auditLines(from: number, to: number): string[] {
  return Array.from({ length: to - from }, (_, i) => auditLine(from + i))
}

export function asFile(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}

/** Small seeded generator (mulberry32), so that a failure can be repeated. */
export function seeded(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let t = Math.imul(state ^ (state >>> 15), 1 | state)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}
