import type { FactType } from '../model/facts.ts'
import { formatInstant, parseDuration } from '../model/time.ts'
import type { Problem } from '../model/problem.ts'
import { toCelValue, type CelValue, type ValueClass } from './factValues.ts'

/** `24h` is a duration, 398 an int, 14.4 a double, a list holds texts, anything else is a string. */
export type ParameterType = Extract<FactType, 'duration' | 'int' | 'double' | 'string' | 'list<string>'>

/** As written: `24h`, 398, `good`, `[P-256, P-384]`. */
export type ParameterValue = string | number | readonly string[]

/** A value and from when on it is in force, in milliseconds; undefined: always. */
export interface DatedValue {
  readonly value: ParameterValue
  readonly from: number | undefined
}

/** What a parameter is, as time goes on: ascending, the first one without a beginning. */
export type Schedule = readonly DatedValue[]

/** Rule id to parameter name to value, as in the configuration. A single value holds for all time. */
export type ParameterOverrides = Readonly<Record<string, Overrides>>
type Overrides = Readonly<Record<string, ParameterValue | Schedule>>

/** Names that every rule has besides its own; they are set in the configuration in the same place. */
export const TIMING_PARAMETERS = ['for', 'unknown_for', 'evidence_max_age'] as const

function parameterType(value: ParameterValue): ParameterType {
  if (typeof value === 'number') return Number.isInteger(value) ? 'int' : 'double'
  if (typeof value !== 'string') return 'list<string>'
  return parseDuration(value) === undefined ? 'string' : 'duration'
}

export function typeOfSchedule(schedule: Schedule): ParameterType {
  const [first] = schedule
  return first === undefined ? 'string' : parameterType(first.value)
}

/** A list as one text, as findings show it. */
export function formatValue(value: ParameterValue): string | number {
  return typeof value === 'string' || typeof value === 'number' ? value : value.join(', ')
}

/** The parameters of a rule over a time in which none of them changes: [from, until), in milliseconds. */
export interface ParameterVersion {
  readonly from: number
  readonly until: number
  /** As findings show them. */
  readonly written: Readonly<Record<string, string | number>>
  /** Instance of the rule's parameter class, for CEL. */
  readonly values: object
  /** Where each value comes from. */
  readonly origins: Readonly<Record<string, ParameterOrigin>>
}

export interface ParameterOrigin {
  readonly origin: 'pack' | 'configuration'
  /** From when on this value is in force; undefined: it has no date. */
  readonly from: number | undefined
  readonly until: number | undefined
}

/** What a rule works with after the configuration had its say. Durations are milliseconds. */
export interface RuleSettings {
  /** Ascending and without gaps; the first begins at -Infinity, the last ends at Infinity. */
  readonly versions: readonly [ParameterVersion, ...ParameterVersion[]]
  /** Whether the rule or a value of it changes by date. */
  readonly isDated: boolean
  /** The one edition of a rule that does not. */
  readonly undated: { readonly version: ParameterVersion; readonly date: undefined }
  readonly for: number
  readonly unknownFor: number
  /** undefined: three intervals of the probe. */
  readonly evidenceMaxAge: number | undefined
}

/** What of a rule the settings are made from. */
export interface Parametrized {
  readonly id: string
  /** In force in [from, until), in milliseconds. */
  readonly effective: { readonly from: number; readonly until: number }
  readonly parameters: Readonly<Record<string, Schedule>>
  readonly parameterClass: ValueClass
  readonly for: number
  readonly unknownFor: number
  readonly evidenceMaxAge: number | undefined
}

/** The parameters in force at a time, in milliseconds. */
export function versionAt({ versions }: RuleSettings, at: number): ParameterVersion {
  return versions.findLast((version) => version.from <= at) ?? versions[0]
}

/** The rule's settings with the configuration's overrides, and every override that cannot be used. */
export function resolveSettings(
  rule: Parametrized,
  overrides: Overrides,
): { readonly settings: RuleSettings; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const refuse = (name: string, message: string): void => {
    problems.push({ file: '', line: undefined, path: ['rules', 'parameters', rule.id, name], message })
  }
  const schedules: Record<string, Schedule> = { ...rule.parameters }
  const overridden = new Set<string>()
  const timing: Record<(typeof TIMING_PARAMETERS)[number], number | undefined> = {
    for: rule.for,
    unknown_for: rule.unknownFor,
    evidence_max_age: rule.evidenceMaxAge,
  }
  for (const [name, override] of Object.entries(overrides)) {
    const schedule = isSchedule(override) ? override : [{ value: override, from: undefined }]
    const reserved = TIMING_PARAMETERS.find((t) => t === name)
    const declared = Object.hasOwn(rule.parameters, name) ? rule.parameters[name] : undefined
    const expected =
      reserved !== undefined ? 'duration' : declared === undefined ? undefined : typeOfSchedule(declared)
    const wrong = schedule.find(({ value }) => expected !== undefined && !fits(value, expected))
    if (expected === undefined) {
      const known = [...Object.keys(rule.parameters), ...TIMING_PARAMETERS].join(', ')
      refuse(name, `unknown parameter; ${rule.id} has: ${known}`)
    } else if (wrong !== undefined) {
      refuse(name, `expected ${EXAMPLES[expected]}, got ${JSON.stringify(wrong.value)}`)
    } else if (reserved === undefined) {
      const order = scheduleProblem(schedule)
      if (order !== undefined) refuse(name, order)
      schedules[name] = schedule
      overridden.add(name)
    } else if (schedule.length > 1) {
      refuse(name, 'expected one duration: only parameters of the condition change by date')
    } else {
      timing[reserved] = parseDuration(String(schedule[0]?.value))
    }
  }
  const versions = versionsOf(rule, schedules, overridden)
  const { from, until } = rule.effective
  const settings: RuleSettings = {
    versions,
    undated: { version: versions[0], date: undefined },
    isDated: versions.length > 1 || from !== -Infinity || until !== Infinity,
    for: timing.for ?? rule.for,
    unknownFor: timing.unknown_for ?? rule.unknownFor,
    evidenceMaxAge: timing.evidence_max_age,
  }
  return { settings, problems }
}

/** Why these dates make no sense; undefined when they do. */
export function scheduleProblem(schedule: Schedule): string | undefined {
  if (schedule[0]?.from !== undefined)
    return 'the first value needs no from: it holds until the next one begins'
  for (const [i, { from }] of schedule.entries()) {
    if (i === 0) continue
    if (from === undefined) return 'every value but the first needs a from: a date such as 2027-03-15'
    const before = schedule[i - 1]?.from
    if (before !== undefined && from <= before)
      return `expected ascending dates, got ${formatInstant(from)} after ${formatInstant(before)}`
  }
  return undefined
}

function isSchedule(value: ParameterValue | Schedule): value is Schedule {
  return Array.isArray(value) && value.every((item) => typeof item === 'object')
}

const EXAMPLES = {
  duration: 'a duration such as 90s, 24h or 7d',
  int: 'a whole number',
  double: 'a number',
  string: 'a text',
  'list<string>': 'a list of texts',
} as const satisfies Record<ParameterType, string>

/** A text may look like a duration: `5m` stays a text where the pack's default is a text. */
export function fits(value: ParameterValue, type: ParameterType): boolean {
  switch (type) {
    case 'string':
      return typeof value === 'string'
    case 'int':
      return Number.isSafeInteger(value)
    case 'double':
      return Number.isFinite(value)
    case 'duration':
    case 'list<string>':
      return parameterType(value) === type
  }
}

function versionsOf(
  rule: Parametrized,
  schedules: Readonly<Record<string, Schedule>>,
  overridden: ReadonlySet<string>,
): RuleSettings['versions'] {
  const dates = Object.values(schedules).flatMap((schedule) => schedule.flatMap(({ from }) => from ?? []))
  const beginnings = [...new Set(dates)].toSorted((a, b) => a - b)
  const version = (from: number, until: number): ParameterVersion => {
    const written: Record<string, string | number> = {}
    const values: Record<string, CelValue> = {}
    const origins: Record<string, ParameterOrigin> = {}
    for (const [name, declared] of Object.entries(rule.parameters)) {
      const schedule = schedules[name] ?? declared
      const index = schedule.findLastIndex((dated) => (dated.from ?? -Infinity) <= from)
      const dated = schedule[index]
      if (dated === undefined) continue
      written[name] = formatValue(dated.value)
      const type = typeOfSchedule(declared)
      const value = toCelValue(type, type === 'duration' ? parseDuration(String(dated.value)) : dated.value)
      if (value !== undefined) values[name] = value
      origins[name] = {
        origin: overridden.has(name) ? 'configuration' : 'pack',
        from: dated.from,
        until: schedule[index + 1]?.from,
      }
    }
    return { from, until, written, values: new rule.parameterClass(values), origins }
  }
  const rest = beginnings.map((from, i) => version(from, beginnings[i + 1] ?? Infinity))
  return [version(-Infinity, beginnings[0] ?? Infinity), ...rest]
}
