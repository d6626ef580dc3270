import { formatInstant } from '../model/time.ts'
import type { FactValues } from './factValues.ts'
import type { Rule } from './pack.ts'
import type { ParameterVersion, RuleSettings } from './parameters.ts'

// Which edition of a rule an object is judged by: standards change by date, and an object is held to what was in force when it was made.

/** The time that decides, in milliseconds; undefined when the object did not show it. */
export function judgementDate({ datedBy }: Rule, facts: FactValues, now: Date): number | undefined {
  if (datedBy === undefined) return now.getTime()
  const date: unknown = Reflect.get(facts[datedBy.group], datedBy.name)
  return date instanceof Date ? date.getTime() : undefined
}

/** Why a rule is not in force at a date; undefined when it is. */
export function notInForce(rule: Rule, date: number): string | undefined {
  const { from, until } = rule.effective
  const by = rule.datedBy === undefined ? '' : `; ${rule.judgedBy} is ${formatInstant(date)}`
  if (date < from) return `in force from ${formatInstant(from)} on${by}`
  if (date >= until) return `not in force any more since ${formatInstant(until)}${by}`
  return undefined
}

/** Which values that change by date were in force, and why: `max_lifetime 200d from 2026-03-15 on, by certificate.notBefore 2026-04-01`. */
export function inForceNote(rule: Rule, version: ParameterVersion, date: number): string {
  const dated = Object.entries(version.origins).filter(
    ([, o]) => o.from !== undefined || o.until !== undefined,
  )
  if (dated.length === 0) return ''
  const values = dated.map(([name, { from, until }]) => {
    const period = [
      ...(from === undefined ? [] : [`from ${formatInstant(from)}`]),
      ...(until === undefined ? ['on'] : [`until ${formatInstant(until)}`]),
    ]
    return `${name} ${version.written[name] ?? ''} ${period.join(' ')}`
  })
  return `${values.join(', ')}, by ${rule.judgedBy} ${formatInstant(date)}`
}

/** The next time after `now`, in milliseconds, at which time alone puts another edition in force. */
export function nextEdition(rule: Rule, settings: RuleSettings, now: number): number {
  if (!settings.isDated || rule.datedBy !== undefined) return Infinity
  const dates = [rule.effective.from, rule.effective.until, ...settings.versions.map(({ from }) => from)]
  return Math.min(Infinity, ...dates.filter((date) => date > now))
}
