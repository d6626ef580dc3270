import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chownSync, cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:net'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestOptions } from 'node:test'
import { z } from 'zod'

/** A real Elasticsearch of one node on the loopback address, with data of its own. */
export interface TestElasticsearch extends AsyncDisposable {
  readonly url: string
  /** Takes the power away: kill -9. */
  kill(): Promise<void>
  /** After `kill`: the same data, the same address. Resolves when it answers. */
  restart(): Promise<void>
  /** Deletes what a store made under a prefix, where the server stays; one of our own goes with everything in it. */
  remove(prefix: string): Promise<void>
}

/** What a server behind TLS needs more. Without it: plain HTTP, and nobody is asked who they are. */
interface Secured {
  /** Lines of elasticsearch.yml in place of `xpack.security.enabled: false`. */
  readonly settings: readonly string[]
  /** Files for its configuration folder, by name. */
  readonly files: Readonly<Record<string, string>>
  /** Whether it is up; plain requests can't say. */
  answers(url: string): Promise<boolean>
}

/** Longest start: a cold one on a busy machine of two cores was measured at 86 s. */
const START_MS = 180_000
const POLL_MS = 250
/** Elasticsearch refuses to run as root; it then runs as this user and group. */
const NOBODY = { uid: 65_534, gid: 65_534 }
const OPTIONS = '-Xms256m -Xmx256m -XX:-AlwaysPreTouch -XX:TieredStopAtLevel=1'
const MIN_JAVA = 21

/** VIGIL_ELASTICSEARCH, or what test/services/elasticsearch.sh has made. */
function findHome(): string | undefined {
  const named = process.env['VIGIL_ELASTICSEARCH']
  if (named !== undefined) return named
  const cache =
    process.env['VIGIL_TEST_CACHE'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'vigil-test')
  const home = join(cache, 'elasticsearch')
  return existsSync(join(home, 'bin/elasticsearch')) ? home : undefined
}

/** The home of a JDK that is new enough: ES_JAVA_HOME, JAVA_HOME or one under /usr/lib/jvm. */
function findJava(): string | undefined {
  const jvms = '/usr/lib/jvm'
  const installed = existsSync(jvms) ? readdirSync(jvms).map((name) => join(jvms, name)) : []
  return [process.env['ES_JAVA_HOME'], process.env['JAVA_HOME'], ...installed].find((home) => {
    const release = home === undefined ? '' : join(home, 'release')
    if (!existsSync(release)) return false
    const major = /^JAVA_VERSION="(\d+)/m.exec(readFileSync(release, 'utf8'))?.[1]
    return major !== undefined && Number(major) >= MIN_JAVA
  })
}

/** Skipped with the reason where it can't be started, but under VIGIL_REQUIRE=all it runs and fails. */
export function needsElasticsearch(): TestOptions {
  if (process.env['VIGIL_REQUIRE'] === 'all') return {}
  if (findHome() === undefined)
    return { skip: 'Elasticsearch is not installed (test/services/elasticsearch.sh fetches one)' }
  return findJava() === undefined ? { skip: `no JDK of ${MIN_JAVA} or later for Elasticsearch` } : {}
}

/** VIGIL_ELASTICSEARCH_URL: one that runs already, for working on these tests; it can't be killed. */
function running(url: string): TestElasticsearch {
  const refused = (): Promise<never> => Promise.reject(new Error('a running server is left alone'))
  return {
    url,
    kill: refused,
    restart: refused,
    remove: (prefix) => removeIndices(url, prefix),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  }
}

async function removeIndices(url: string, prefix: string): Promise<void> {
  const found: unknown = await (await fetch(`${url}/${prefix}-*?features=settings`)).json()
  const indices = Object.keys(z.record(z.string(), z.unknown()).parse(found))
  if (indices.length > 0) await fetch(`${url}/${indices.join(',')}`, { method: 'DELETE' })
  await fetch(`${url}/_index_template/${prefix}-*`, { method: 'DELETE' })
}

export async function startElasticsearch(secured?: Secured): Promise<TestElasticsearch> {
  const given = process.env['VIGIL_ELASTICSEARCH_URL']
  if (given !== undefined && secured === undefined) return running(given)
  const home = findHome()
  const java = findJava()
  if (home === undefined) throw new Error('no Elasticsearch: run test/services/elasticsearch.sh')
  if (java === undefined) throw new Error(`no JDK of ${MIN_JAVA} or later: set ES_JAVA_HOME`)
  const directory = await mkdtemp(join(tmpdir(), 'vigil-elasticsearch-'))
  const port = await freePort()
  const program = prepare(home, directory, port, secured)
  const url = `${secured === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  const isUp = () => (secured === undefined ? answers(url) : secured.answers(url))
  let child = await launch(program, directory, java, isUp)
  return {
    url,
    async kill() {
      await end(child, 'SIGKILL')
    },
    async restart() {
      child = await launch(program, directory, java, isUp)
    },
    remove: () => Promise.resolve(),
    async [Symbol.asyncDispose]() {
      await end(child, 'SIGKILL')
      await rm(directory, { recursive: true, force: true })
    },
  }
}

/** Gives the server folders of its own for configuration, data and logs; the program to start. */
function prepare(home: string, directory: string, port: number, secured: Secured | undefined): string {
  const config = join(directory, 'config')
  cpSync(join(home, 'config'), config, { recursive: true })
  for (const name of ['data', 'logs', 'tmp', 'repo']) mkdirSync(join(directory, name))
  for (const [name, text] of Object.entries(secured?.files ?? {})) writeFileSync(join(config, name), text)
  writeFileSync(
    join(config, 'elasticsearch.yml'),
    [
      'cluster.name: vigil-test',
      'node.name: n1',
      'network.host: 127.0.0.1',
      `http.port: ${port}`,
      'transport.port: 0',
      'discovery.type: single-node',
      ...(secured?.settings ?? ['xpack.security.enabled: false']),
      'xpack.security.enrollment.enabled: false',
      'xpack.security.autoconfiguration.enabled: false',
      'xpack.license.self_generated.type: basic',
      'cluster.routing.allocation.disk.threshold_enabled: false',
      `path.data: ${join(directory, 'data')}`,
      `path.logs: ${join(directory, 'logs')}`,
      `path.repo: ["${join(directory, 'repo')}"]`,
      '',
    ].join('\n'),
  )
  if (process.getuid?.() !== 0) return join(home, 'bin/elasticsearch')
  // A cache below root's own directory is out of reach for the other user: hard links cost nothing.
  const copy = join(directory, 'home')
  const linked = spawnSync('cp', ['-al', home, copy])
  if (linked.status !== 0) spawnSync('cp', ['-a', home, copy])
  const owned = spawnSync('chown', [
    '-R',
    `${NOBODY.uid}:${NOBODY.gid}`,
    config,
    ...['data', 'logs', 'tmp', 'repo'].map((name) => join(directory, name)),
  ])
  if (owned.status !== 0) throw new Error(`chown failed: ${owned.stderr.toString()}`)
  chownSync(directory, NOBODY.uid, NOBODY.gid)
  return join(copy, 'bin/elasticsearch')
}

async function launch(
  program: string,
  directory: string,
  java: string,
  isUp: () => Promise<boolean>,
): Promise<ChildProcess> {
  const child = spawn(program, [], {
    cwd: directory,
    env: {
      PATH: process.env['PATH'],
      ES_JAVA_HOME: java,
      ES_PATH_CONF: join(directory, 'config'),
      ES_TMPDIR: join(directory, 'tmp'),
      ES_JAVA_OPTS: OPTIONS,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    // A group of its own: the launcher and the server that it starts end together.
    detached: true,
    ...(process.getuid?.() === 0 ? NOBODY : {}),
  })
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (log = (log + text).slice(-4000)))
  process.once('exit', () => signal(child, 'SIGKILL'))
  const deadline = Date.now() + START_MS
  while (Date.now() < deadline && child.exitCode === null) {
    if (await isUp()) return child
    await delay(POLL_MS)
  }
  await end(child, 'SIGKILL')
  throw new Error(`Elasticsearch did not start: ${log}`)
}

async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/_cluster/health?wait_for_status=yellow&timeout=1s`)).ok
  } catch {
    return false
  }
}

async function end(child: ChildProcess, how: NodeJS.Signals): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  signal(child, how)
  await exited
}

function signal(child: ChildProcess, how: NodeJS.Signals): void {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  try {
    process.kill(-child.pid, how)
  } catch {
    // It has ended by itself meanwhile.
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  if (address === null || typeof address === 'string') throw new Error('expected a port')
  return address.port
}
