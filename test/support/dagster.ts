import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestOptions } from 'node:test'
import { freePorts } from './ports.ts'

/** What test/services/dagster.sh has made. */
const HOME = join(
  process.env['VIGIL_TEST_CACHE'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'vigil-test'),
  'dagster',
)
/** Milliseconds that it may take to stop; then it is killed. */
const STOP_MS = 20_000

/** Skipped with the reason where it is not there, but under VIGIL_REQUIRE=all it runs and fails. */
export function needsDagster(): TestOptions {
  if (process.env['VIGIL_REQUIRE'] === 'all' || existsSync(join(HOME, 'bin/dagster-webserver'))) return {}
  return { skip: 'Dagster is not installed (test/services/dagster.sh fetches it)' }
}

/** A real Dagster, on the loopback address, with an instance of its own. */
export class TestDagster implements AsyncDisposable {
  readonly url: string
  readonly #directory: string
  readonly #port: number
  readonly #processes: ChildProcess[] = []

  /** `code`: Python with Dagster's definitions, as location `pki`. */
  static async create(code?: string): Promise<TestDagster> {
    const directory = await mkdtemp(join(tmpdir(), 'vigil-dagster-'))
    const location = '  - python_file: { relative_path: pki.py, location_name: pki }\n'
    await writeFile(
      join(directory, 'workspace.yaml'),
      code === undefined ? 'load_from: []\n' : `load_from:\n${location}`,
    )
    if (code !== undefined) await writeFile(join(directory, 'pki.py'), code)
    await writeFile(join(directory, 'dagster.yaml'), 'telemetry: { enabled: false }\n')
    const [port = 0] = await freePorts(1)
    return new TestDagster(directory, port)
  }

  private constructor(directory: string, port: number) {
    this.#directory = directory
    this.#port = port
    this.url = `http://127.0.0.1:${port}`
  }

  /** Whoever needs it waits until it answers. */
  startServer(): void {
    this.#start('dagster-webserver', '-h', '127.0.0.1', '-p', String(this.#port))
  }

  startDaemon(): void {
    this.#start('dagster-daemon', 'run')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#processes.map(stop))
    await rm(this.#directory, { recursive: true, force: true })
  }

  #start(program: string, ...args: readonly string[]): void {
    const child = spawn(
      join(HOME, 'bin', program),
      [...args, '-w', join(this.#directory, 'workspace.yaml')],
      { stdio: 'ignore', env: { ...process.env, DAGSTER_HOME: this.#directory } },
    )
    child.on('error', () => undefined)
    this.#processes.push(child)
  }
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS)
  child.kill('SIGTERM')
  await gone
  clearTimeout(timer)
}
