// A real Filebeat with the configuration as it is delivered, and logs, positions and queue in a folder of its own.
import { spawn, spawnSync } from 'node:child_process'
import type { ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { TestOptions } from 'node:test'
import { z } from 'zod'
import { recorded } from './records.ts'
import type { Access, Admin } from './secured.ts'

const config = (name: string): string => fileURLToPath(new URL(`../../filebeat/${name}`, import.meta.url))
const POLL_MS = 100
/** Filebeat looks for files every 2 s and ends the last record after 3 s; the rest is a busy machine. */
const PATIENCE_MS = 60_000

/** VIGIL_FILEBEAT, or what test/services/filebeat.sh has built. */
function findFilebeat(): string | undefined {
  const named = process.env['VIGIL_FILEBEAT']
  if (named !== undefined) return named
  const cache =
    process.env['VIGIL_TEST_CACHE'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'vigil-test')
  const built = join(cache, 'filebeat/filebeat')
  return existsSync(built) ? built : undefined
}

/** Skipped with the reason where it is missing, but under VIGIL_REQUIRE=all it runs and fails. */
export function needsFilebeat(): TestOptions {
  if (process.env['VIGIL_REQUIRE'] === 'all' || findFilebeat() !== undefined) return {}
  return { skip: 'Filebeat is not installed (test/services/filebeat.sh builds one)' }
}

/** Asks again and again until it is so. */
export async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS
  while (!(await isSo())) {
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS} ms in vain: ${what}`)
    await delay(POLL_MS)
  }
}

/** The host of an EJBCA: its logs, and Filebeat. */
export class EjbcaHost implements AsyncDisposable {
  readonly directory: string
  readonly logs: string
  readonly #environment: NodeJS.ProcessEnv
  readonly #config: string
  #child: ChildProcess | undefined
  log = ''

  private constructor(directory: string, config: string, environment: NodeJS.ProcessEnv) {
    this.directory = directory
    this.#config = config
    this.logs = join(directory, 'log')
    this.#environment = environment
  }

  /** Ships to Elasticsearch. `apiKey` is `id:key`. */
  static make(name: string, access: Access, apiKey: string): Promise<EjbcaHost> {
    return EjbcaHost.#with('filebeat.yml', name, access, (ca) => ({
      ELASTICSEARCH_URL: access.url,
      ELASTICSEARCH_CA: ca,
      ELASTICSEARCH_API_KEY: apiKey,
    }))
  }

  /** Ships to vigil; `access.url` is host:port. */
  static shippingToVigil(name: string, access: Access): Promise<EjbcaHost> {
    return EjbcaHost.#with('filebeat-vigil.yml', name, access, (ca) => ({
      VIGIL_BEATS: access.url,
      VIGIL_CA: ca,
    }))
  }

  static async #with(
    configName: string,
    name: string,
    access: Access,
    output: (ca: string) => NodeJS.ProcessEnv,
  ): Promise<EjbcaHost> {
    const directory = await mkdtemp(join(tmpdir(), 'vigil-filebeat-'))
    const file = (part: string) => join(directory, part)
    await writeFile(file('ca.pem'), access.ca)
    await writeFile(file('client.pem'), access.client?.certificate ?? '')
    await writeFile(file('client.key'), access.client?.key ?? '', { mode: 0o600 })
    await mkdir(file('log'))
    return new EjbcaHost(directory, config(configName), {
      PATH: process.env['PATH'],
      EJBCA_NAME: name,
      EJBCA_LOGS: file('log'),
      ...output(file('ca.pem')),
      FILEBEAT_CERTIFICATE: file('client.pem'),
      FILEBEAT_KEY: file('client.key'),
      FILEBEAT_QUEUE: '20MB',
    })
  }

  path(name: string): string {
    return join(this.logs, name)
  }

  async copyRecordings(): Promise<void> {
    for (const name of ['audit.log', 'server.log'] as const) await writeFile(this.path(name), recorded(name))
  }

  get pid(): number {
    const pid = this.#child?.pid
    if (pid === undefined) throw new Error('Filebeat is not running')
    return pid
  }

  start(): void {
    const program = findFilebeat()
    if (program === undefined) throw new Error('no Filebeat: run test/services/filebeat.sh')
    const child = spawn('nice', [program, '-e', ...this.#paths()], {
      env: this.#environment,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => (this.log += text))
    process.once('exit', () => child.kill('SIGKILL'))
    this.#child = child
  }

  /** SIGTERM lets it end in order. */
  async stop(how: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child
    this.#child = undefined
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return
    const exited = once(child, 'exit')
    child.kill(how)
    await exited
  }

  /** Positions and queue are gone, as on a new disk. */
  async forget(): Promise<void> {
    await rm(join(this.directory, 'data'), { recursive: true, force: true })
  }

  /** Everything that it has read: the octets of each of its files, by source, that are in the queue or further. */
  positions(): Map<string, number> {
    const file = join(this.directory, 'data/registry/filebeat/log.json')
    const read = new Map<string, number>()
    for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
      const entry = entrySchema.safeParse(line === '' ? undefined : parseJson(line))
      if (entry.success) read.set(entry.data.v.meta.source, entry.data.v.cursor.offset)
    }
    return read
  }

  /** `filebeat test output`: whether this address would be talked to, and what it says. */
  testOutput(url: string, files: Readonly<Record<string, string>> = {}): { ok: boolean; text: string } {
    const program = findFilebeat() ?? 'filebeat'
    const { status, stdout, stderr } = spawnSync(program, ['test', 'output', ...this.#paths()], {
      env: { ...this.#environment, ELASTICSEARCH_URL: url, ...files },
      encoding: 'utf8',
    })
    return { ok: status === 0, text: stdout + stderr }
  }

  async copyIn(name: string, text: string): Promise<string> {
    const file = join(this.directory, name)
    await writeFile(file, text, { mode: 0o600 })
    return file
  }

  /** What curl is told with -K to be the administrator of Elasticsearch; the path of the file. */
  async curlConfig(admin: Admin): Promise<string> {
    const lines = [
      ['cacert', join(this.directory, 'ca.pem')],
      ['cert', await this.copyIn('admin.pem', admin.client.certificate)],
      ['key', await this.copyIn('admin.key', admin.client.key)],
      ['user', `admin:${admin.password}`],
    ]
    return this.copyIn('curl.conf', lines.map(([name, value]) => `${name} = "${value}"\n`).join(''))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop('SIGKILL')
    await rm(this.directory, { recursive: true, force: true })
  }

  #paths(): string[] {
    const { directory } = this
    const data = join(directory, 'data')
    // The checkout may belong to somebody else than who runs the test.
    return ['-c', this.#config, '--path.home', directory, '--path.data', data, '--strict.perms=false']
  }
}

const entrySchema = z.object({
  v: z.object({ cursor: z.object({ offset: z.number() }), meta: z.object({ source: z.string() }) }),
})

/** undefined when it is being written. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
