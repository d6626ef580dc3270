import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import {
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  visit,
  type Document,
} from 'yaml'
import { z } from 'zod'
import { configSchema, type Config } from '../model/config.ts'
import { closest } from './closest.ts'

/** One mistake in a configuration file: where it is, and what to do about it. */
export interface ConfigProblem {
  readonly file: string
  /** From 1; undefined when the file could not be read at all. */
  readonly line: number | undefined
  /** `inventory.services[0].endpoint`; '' for the file itself. */
  readonly key: string
  readonly message: string
}

export function formatProblem(problem: ConfigProblem): string {
  const where = problem.line === undefined ? problem.file : `${problem.file}:${problem.line}`
  return problem.key === '' ? `${where}: ${problem.message}` : `${where}: ${problem.key}: ${problem.message}`
}

type Path = readonly (string | number)[]

/** A parsed file that can still say on which line a key stands. */
export interface ConfigFile {
  readonly config: Config
  /** As given, for messages. */
  readonly file: string
  /** File names in the configuration are relative to this directory. */
  readonly directory: string
  /** The file's values with `${ENV}` references left as they stand, so that no secret gets into the journal. */
  readonly recorded: unknown
  problem(path: Path, message: string): ConfigProblem
}

export type Parsed<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problems: readonly ConfigProblem[] }

/** Largest configuration file that is read: a mistaken path to a log or a device must not fill the memory. */
const MAX_CONFIG_OCTETS = 4 * 1024 * 1024

export function readConfigFile(file: string, env: NodeJS.ProcessEnv): Parsed<ConfigFile> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return { ok: false, problems: [{ file, line: undefined, key: '', message: unreadable(error) }] }
  }
  return parseConfig(text, file, env)
}

/** Says why a file cannot be read, and what to do. */
export function unreadable(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  if (code === 'ENOENT') return 'no such file: check the path'
  if (code === 'EACCES') return 'permission denied: make it readable for the user that runs vigil'
  if (code === 'EISDIR') return 'is a directory: expected a file'
  return `cannot be read: ${error instanceof Error ? error.message : String(error)}`
}

/** Parses and validates; reports all mistakes at once. */
export function parseConfig(text: string, file: string, env: NodeJS.ProcessEnv): Parsed<ConfigFile> {
  if (text.length > MAX_CONFIG_OCTETS)
    return {
      ok: false,
      problems: [
        { file, line: undefined, key: '', message: 'larger than 4 MiB: is this the configuration?' },
      ],
    }
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, merge: false })
  if (document.errors.length > 0) {
    const problems = document.errors.map((error) => ({
      file,
      line: lines.linePos(error.pos[0]).line,
      key: '',
      message: `not valid YAML: ${error.message.split('\n')[0] ?? error.message}`,
    }))
    return { ok: false, problems }
  }
  const lineOf = (path: Path): number | undefined => lineOfPath(document, lines, path)
  const problem = (path: Path, message: string): ConfigProblem => ({
    file,
    line: lineOf(path),
    key: formatPath(path),
    message,
  })

  let recorded: unknown
  try {
    recorded = toPlain(document)
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    return { ok: false, problems: [{ file, line: undefined, key: '', message: `aliases: ${message}` }] }
  }
  const problems: ConfigProblem[] = []
  substituteEnvironment(document, env, (path, message) => problems.push(problem(path, message)))
  const parsed = configSchema.safeParse(toPlain(document) ?? {}, { reportInput: true })
  if (!parsed.success) {
    const reported = new Set(problems.map((p) => p.key))
    problems.push(
      ...parsed.error.issues.flatMap((issue) => explain(issue, problem)).filter((p) => !reported.has(p.key)),
    )
  }
  if (!parsed.success || problems.length > 0)
    return { ok: false, problems: problems.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0)) }
  return {
    ok: true,
    value: { config: parsed.data, file, directory: dirname(resolve(file)), recorded, problem },
  }
}

function toPlain(document: Document): unknown {
  // maxAliasCount bounds what a file of nested aliases can grow into.
  const value: unknown = document.toJS({ maxAliasCount: 100 })
  return value
}

function formatPath(path: Path): string {
  return path
    .map((part, i) => (typeof part === 'number' ? `[${part}]` : i === 0 ? part : `.${part}`))
    .join('')
}

/** Line of the key at the path, or of the nearest enclosing node that is there. */
function lineOfPath(document: Document, lines: LineCounter, path: Path): number | undefined {
  for (let length = path.length; length >= 0; length--) {
    const parent = length === 0 ? document.contents : document.getIn(path.slice(0, length - 1), true)
    const last = path[length - 1]
    if (isMap(parent)) {
      const pair = parent.items.find((p) => isScalar(p.key) && p.key.value === last)
      if (pair !== undefined && isScalar(pair.key) && pair.key.range)
        return lines.linePos(pair.key.range[0]).line
    }
    const node = document.getIn(path.slice(0, length), true)
    if ((isScalar(node) || isCollection(node)) && node.range) return lines.linePos(node.range[0]).line
  }
  return 1
}

/** Replaces `${NAME}` in string values. A name that is not set is a mistake, never an empty string. */
function substituteEnvironment(
  document: Document,
  env: NodeJS.ProcessEnv,
  report: (path: Path, message: string) => void,
): void {
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return
      node.value = node.value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole: string, name: string) => {
        const value = env[name]
        if (value !== undefined) return value
        report(
          pathOf(node, ancestors),
          `environment variable ${name} is not set: export it, or write the value`,
        )
        return whole
      })
    },
  })
}

function pathOf(node: unknown, ancestors: readonly unknown[]): Path {
  const chain = [...ancestors, node]
  const path: (string | number)[] = []
  chain.forEach((item, i) => {
    if (isPair(item) && isScalar(item.key)) path.push(String(item.key.value))
    else if (isSeq(item)) path.push(item.items.findIndex((child) => child === chain[i + 1]))
  })
  return path
}

function explain(
  issue: z.core.$ZodIssue,
  problem: (path: Path, message: string) => ConfigProblem,
): ConfigProblem[] {
  const path = issue.path.map((part) => (typeof part === 'number' ? part : String(part)))
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => {
      const known = knownKeys(path)
      const guess = closest(key, known)
      const fix = guess === undefined ? `known keys here: ${known.join(', ')}` : `did you mean "${guess}"?`
      return problem([...path, key], `unknown key; ${fix}`)
    })
  }
  if (issue.code === 'invalid_type' && issue.input === undefined)
    return [problem(path, `is missing: expected ${issue.expected}`)]
  return [problem(path, `${issue.message}${got(issue.input)}`)]
}

/** The offending value, where showing it helps. */
function got(input: unknown): string {
  if (typeof input !== 'string' && typeof input !== 'number' && typeof input !== 'boolean') return ''
  const text = JSON.stringify(input)
  return `, got ${text.length > 60 ? `${text.slice(0, 57)}...` : text}`
}

/** The configuration's JSON Schema, as published in docs/vigil.schema.json. */
export function configJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(configSchema, { io: 'input' }), title: 'vigil.yaml' }
}

const schemaNode = z.object({
  properties: z.record(z.string(), z.unknown()).optional(),
  items: z.unknown().optional(),
  additionalProperties: z.unknown().optional(),
})

function knownKeys(path: Path): readonly string[] {
  let node: unknown = configJsonSchema()
  for (const part of path) {
    const parsed = schemaNode.safeParse(node)
    if (!parsed.success) return []
    node =
      typeof part === 'number'
        ? parsed.data.items
        : (parsed.data.properties?.[part] ?? parsed.data.additionalProperties)
  }
  const parsed = schemaNode.safeParse(node)
  return parsed.success ? Object.keys(parsed.data.properties ?? {}) : []
}
