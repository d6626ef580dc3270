import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { TestOptions } from 'node:test'
import { promisify } from 'node:util'
import { z } from 'zod'
import { findProgram } from './needs.ts'

/** What test/services/prometheus.sh unpacks. */
type Program = 'prometheus' | 'promtool' | 'amtool'
const PROGRAMS: readonly Program[] = ['prometheus', 'promtool', 'amtool']

/** A real Prometheus on the loopback address, with data of its own. */
export interface TestPrometheus extends AsyncDisposable {
  readonly url: string
  /** The instant query's samples, NaN left out. */
  query(expr: string): Promise<readonly Sample[]>
  /** One sample for each series: its newest within the last `seconds` that is a number. */
  queryRange(expr: string, seconds: number): Promise<readonly Sample[]>
}

interface Sample {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The folder VIGIL_PROMETHEUS, the PATH, or what test/services/prometheus.sh has made. */
function find(program: Program): string | undefined {
  const folder = process.env['VIGIL_PROMETHEUS']
  return folder === undefined ? findProgram(program, `prometheus/${program}`) : join(folder, program)
}

/** Skipped with the reason where they are missing, but under VIGIL_REQUIRE=all it runs and fails. */
export function needsPrometheus(): TestOptions {
  const missing = PROGRAMS.filter((program) => find(program) === undefined)
  if (missing.length === 0 || process.env['VIGIL_REQUIRE'] === 'all') return {}
  return { skip: `${missing.join(', ')} not installed (test/services/prometheus.sh fetches them)` }
}

/** Runs promtool or amtool, with `input` to read. Rejects with all that it printed when it fails. */
export async function runTool(
  program: 'promtool' | 'amtool',
  args: readonly string[],
  input = '',
): Promise<string> {
  try {
    const run = promisify(execFile)(located(program), args, { timeout: 60_000 })
    // It may well end before it has read everything.
    run.child.stdin?.on('error', () => undefined).end(input)
    return (await run).stdout
  } catch (error) {
    const printed = printedSchema.safeParse(error).data
    throw new Error(`${program} ${args.join(' ')}: ${printed?.stdout ?? ''}${printed?.stderr ?? ''}`, {
      cause: error,
    })
  }
}
const printedSchema = z.object({ stdout: z.string(), stderr: z.string() })

/** `config` is a configuration file's text. */
export async function startPrometheus(config: string): Promise<TestPrometheus> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-prometheus-'))
  const file = join(directory, 'prometheus.yml')
  await writeFile(file, config)
  const child = spawn(
    located('prometheus'),
    [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(directory, 'data')}`,
      '--web.listen-address=127.0.0.1:0',
      '--rules.alert.resend-delay=1s',
      '--log.format=json',
    ],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  const kill = () => child.kill('SIGKILL')
  process.once('exit', kill)
  const log: string[] = []
  let url: string | undefined
  for await (const line of createInterface({ input: child.stderr })) {
    log.push(line)
    const address = /"address":"(127\.0\.0\.1:[1-9]\d*)".*"Listening on"/.exec(line)?.[1]
    if (address === undefined) continue
    url = `http://${address}`
    break
  }
  child.stderr.resume()
  if (url === undefined) throw new Error(`Prometheus did not start: ${log.join('\n')}`)
  const api = `${url}/api/v1`
  return {
    url,
    query: (expr) => samples(`${api}/query?${new URLSearchParams({ query: expr }).toString()}`),
    queryRange(expr, seconds) {
      const end = Date.now() / 1000
      const range = { query: expr, start: String(end - seconds), end: String(end), step: '1' }
      return samples(`${api}/query_range?${new URLSearchParams(range).toString()}`)
    },
    async [Symbol.asyncDispose]() {
      process.off('exit', kill)
      if (child.exitCode === null && child.signalCode === null) {
        kill()
        await once(child, 'exit')
      }
      await rm(directory, { recursive: true, force: true })
    },
  }
}

const point = z.tuple([z.number(), z.string()])
const vector = z.object({ metric: z.record(z.string(), z.string()), value: point })
const matrix = z.object({ metric: z.record(z.string(), z.string()), values: z.array(point) })
const answer = z.union([
  z.object({ status: z.literal('success'), data: z.object({ result: z.array(z.union([vector, matrix])) }) }),
  z.object({ status: z.literal('error'), error: z.string() }),
])

async function samples(url: string): Promise<readonly Sample[]> {
  const response = answer.parse(await (await fetch(url)).json())
  if (response.status === 'error') throw new Error(response.error)
  return response.data.result.flatMap((series) => {
    const points = 'values' in series ? series.values : [series.value]
    const value = points.map(([, text]) => Number(text)).findLast(Number.isFinite)
    return value === undefined ? [] : [{ labels: series.metric, value }]
  })
}

function located(program: Program): string {
  const found = find(program)
  if (found === undefined) throw new Error(`no ${program}: run test/services/prometheus.sh`)
  return found
}
