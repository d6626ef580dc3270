import type { FactType } from '../model/facts.ts'
import { parseDuration } from '../model/time.ts'
import type { Problem } from '../model/problem.ts'
import { toCelValue, type CelValue, type ValueClass } from './factValues.ts'

/** `24h` is a duration, 398 an int, anything else a string. */
type ParameterType = Extract<FactType, 'duration' | 'int' | 'string'>

export type WrittenParameters = Readonly<Record<string, string | number>>

/** Rule id to parameter name to value, as in the configuration. */
export type ParameterOverrides = Readonly<Record<string, WrittenParameters>>

/** Names that every rule has besides its own; they are set in the configuration in the same place. */
export const TIMING_PARAMETERS = ['for', 'unknown_for', 'evidence_max_age'] as const

export function parameterType(value: string | number): ParameterType {
  if (typeof value === 'number') return 'int'
  return parseDuration(value) === undefined ? 'string' : 'duration'
}

/** What a rule works with after the configuration had its say. Durations are milliseconds. */
export interface RuleSettings {
  readonly written: WrittenParameters
  /** Instance of the rule's parameter class, for CEL. */
  readonly values: object
  readonly for: number
  readonly unknownFor: number
  /** undefined: three intervals of the probe. */
  readonly evidenceMaxAge: number | undefined
}

/** What of a rule the settings are made from. */
export interface Parametrized {
  readonly id: string
  readonly parameters: WrittenParameters
  readonly parameterClass: ValueClass
  readonly for: number
  readonly unknownFor: number
  readonly evidenceMaxAge: number | undefined
}

/** The rule's settings with the configuration's overrides, and every override that cannot be used. */
export function resolveSettings(
  rule: Parametrized,
  overrides: WrittenParameters,
): { readonly settings: RuleSettings; readonly problems: readonly Problem[] } {
  const problems: Problem[] = []
  const refuse = (name: string, message: string): void => {
    problems.push({ file: '', line: undefined, path: ['rules', 'parameters', rule.id, name], message })
  }
  const written: Record<string, string | number> = { ...rule.parameters }
  const timing: Record<(typeof TIMING_PARAMETERS)[number], number | undefined> = {
    for: rule.for,
    unknown_for: rule.unknownFor,
    evidence_max_age: rule.evidenceMaxAge,
  }
  for (const [name, value] of Object.entries(overrides)) {
    const reserved = TIMING_PARAMETERS.find((t) => t === name)
    const declared = Object.hasOwn(rule.parameters, name) ? rule.parameters[name] : undefined
    const expected: ParameterType | undefined =
      reserved !== undefined ? 'duration' : declared === undefined ? undefined : parameterType(declared)
    if (expected === undefined) {
      const known = [...Object.keys(rule.parameters), ...TIMING_PARAMETERS].join(', ')
      refuse(name, `unknown parameter; ${rule.id} has: ${known}`)
    } else if (!fits(value, expected)) {
      refuse(name, `expected ${EXAMPLES[expected]}, got ${JSON.stringify(value)}`)
    } else if (reserved === undefined) {
      written[name] = value
    } else {
      timing[reserved] = parseDuration(String(value))
    }
  }
  const settings: RuleSettings = {
    written,
    values: new rule.parameterClass(celParameters(rule.parameters, written)),
    for: timing.for ?? rule.for,
    unknownFor: timing.unknown_for ?? rule.unknownFor,
    evidenceMaxAge: timing.evidence_max_age,
  }
  return { settings, problems }
}

const EXAMPLES = {
  duration: 'a duration such as 90s, 24h or 7d',
  int: 'a whole number',
  string: 'a text',
} as const satisfies Record<ParameterType, string>

function fits(value: string | number, type: ParameterType): boolean {
  if (type === 'string') return typeof value === 'string'
  return type === 'int' ? Number.isSafeInteger(value) : parameterType(value) === 'duration'
}

/** The type is the declared one: `5m` stays a text where the pack's default is a text. */
function celParameters(declared: WrittenParameters, written: WrittenParameters): Record<string, CelValue> {
  const values: Record<string, CelValue> = {}
  for (const [name, original] of Object.entries(declared)) {
    const type = parameterType(original)
    const value = written[name]
    const cel = toCelValue(type, type === 'duration' ? parseDuration(String(value)) : value)
    if (cel !== undefined) values[name] = cel
  }
  return values
}
