import { readFileSync } from 'node:fs'
import { dirname, resolve } from 'node:path'
import { z } from 'zod'
import { configSchema, type Config } from '../model/config.ts'
import { parseLocatedYaml } from '../model/locatedYaml.ts'
import { byLine, formatPath, type Problem } from '../model/problem.ts'
import { messageOf, systemCode } from '../model/thrown.ts'
import { closest } from './closest.ts'

type Path = Problem['path']

/** A parsed file that can still say on which line a key stands. */
export interface ConfigFile {
  readonly config: Config
  /** As given, for messages. */
  readonly file: string
  /** File names in the configuration are relative to this directory. */
  readonly directory: string
  /** The file's values with `${ENV}` references left as they stand, so that no secret gets into the journal. */
  readonly recorded: unknown
  /** The same with the variables in place. */
  readonly resolved: unknown
  readonly problem: (path: Path, message: string) => Problem
}

export type Parsed<T> =
  { readonly ok: true; readonly value: T } | { readonly ok: false; readonly problems: readonly Problem[] }

/** Largest configuration that is parsed, in characters: more is a mistaken path, to a log for instance. */
const MAX_CONFIG_OCTETS = 4 * 1024 * 1024

export function readConfigFile(file: string, env: NodeJS.ProcessEnv): Parsed<ConfigFile> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return refuse(file, unreadable(error))
  }
  return parseConfig(text, file, env)
}

/** Says why a file cannot be read, and what to do. */
export function unreadable(error: unknown): string {
  const code = systemCode(error)
  if (code === 'ENOENT') return 'no such file: check the path'
  if (code === 'EACCES') return 'permission denied: make it readable for the user that runs vigil'
  if (code === 'EISDIR') return 'is a directory: expected a file'
  return `cannot be read: ${messageOf(error)}`
}

/** Parses and validates; reports all mistakes at once. */
export function parseConfig(text: string, file: string, env: NodeJS.ProcessEnv): Parsed<ConfigFile> {
  if (text.length > MAX_CONFIG_OCTETS) return refuse(file, 'larger than 4 MiB: is this the configuration?')
  const located = parseLocatedYaml(text, file)
  if (!located.ok) return located
  const { value: recorded, problem } = located.yaml
  const problems: Problem[] = []
  const value = substituteEnvironment(recorded ?? {}, env, (path, message) =>
    problems.push(problem(path, message)),
  )
  const parsed = configSchema.safeParse(value, { reportInput: true })
  if (!parsed.success) {
    const reported = new Set(problems.map(({ path }) => formatPath(path)))
    const found = parsed.error.issues.flatMap((issue) => explain(issue, problem))
    problems.push(...found.filter(({ path }) => !reported.has(formatPath(path))))
  }
  if (!parsed.success || problems.length > 0) return { ok: false, problems: byLine(problems) }
  return {
    ok: true,
    value: {
      config: parsed.data,
      file,
      directory: dirname(resolve(file)),
      recorded,
      resolved: value,
      problem,
    },
  }
}

function refuse(file: string, message: string): Parsed<never> {
  return { ok: false, problems: [{ file, line: undefined, path: [], message }] }
}

/** Replaces `${NAME}` in string values. A name that is not set is a mistake, never an empty string. */
function substituteEnvironment(
  value: unknown,
  env: NodeJS.ProcessEnv,
  report: (path: Path, message: string) => void,
  path: Path = [],
): unknown {
  if (Array.isArray(value))
    return value.map((item, i) => substituteEnvironment(item, env, report, [...path, i]))
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value)
    return Object.fromEntries(
      entries.map(([key, item]) => [key, substituteEnvironment(item, env, report, [...path, key])]),
    )
  }
  if (typeof value !== 'string') return value
  return value.replace(/\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g, (whole: string, name: string) => {
    const set = env[name]
    if (set !== undefined) return set
    report(path, `environment variable ${name} is not set: export it, or write the value`)
    return whole
  })
}

function explain(issue: z.core.$ZodIssue, problem: (path: Path, message: string) => Problem): Problem[] {
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
  if (issue.code === 'invalid_key' && issue.issues[0] !== undefined)
    return [problem(path, issue.issues[0].message)]
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
