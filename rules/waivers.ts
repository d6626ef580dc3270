import type { WaiverConfig } from '../model/config.ts'
import type { Waiver } from '../model/finding.ts'
import type { Problem } from '../model/problem.ts'
import { formatInstant, toTimestamp } from '../model/time.ts'
import { matchesPattern } from '../model/textPattern.ts'
import { listed } from './listed.ts'

/** Longest time ahead that a waiver may end, in milliseconds: what is known for longer than a year belongs into the policy. */
const MAX_WAIVER = 366 * 86_400_000

/** What a waiver may be about: rule ids, and for each the subjects that it judges. */
export type Judged = ReadonlyMap<string, readonly string[]>

/** Waivers that are over by now; they have no effect. */
export function expiredWaivers(waivers: readonly WaiverConfig[], now: number): readonly Problem[] {
  return waivers.flatMap(({ expires, rule, subject }, i) =>
    expires > now
      ? []
      : [
          problem(
            i,
            'expires',
            `the waiver of ${rule} for ${subject} ended at ${formatInstant(expires)}: remove it, or have it renewed`,
          ),
        ],
  )
}

/** Every other waiver that cannot be meant so. */
export function checkWaivers(
  waivers: readonly WaiverConfig[],
  judged: Judged,
  now: number,
): readonly Problem[] {
  const problems: Problem[] = []
  const taken = new Map<string, number>()
  waivers.forEach((waiver, i) => {
    const { rule, subject, expires } = waiver
    const subjects = judged.get(rule)
    if (expires - now > MAX_WAIVER)
      problems.push(
        problem(
          i,
          'expires',
          `expected a time within a year, not after ${formatInstant(now + MAX_WAIVER)}, got ${formatInstant(expires)}`,
        ),
      )
    if (subjects === undefined) {
      problems.push(problem(i, 'rule', `"${rule}" is not a rule of the packs in force`))
      return
    }
    const covered = subjects.filter((name) => matchesPattern(subject, name))
    if (covered.length === 0)
      problems.push(
        problem(i, 'subject', `${rule} judges no subject "${subject}"; it judges ${listed(subjects)}`),
      )
    const other = covered
      .map((name) => ({ name, first: taken.get(`${rule} ${name}`) }))
      .find((c) => c.first !== undefined)
    if (other?.first !== undefined) {
      const { name, first } = other
      problems.push(
        problem(
          i,
          'subject',
          `rules.waivers[${first}] is about ${rule} and ${name} already: keep one of the two`,
        ),
      )
    }
    for (const name of covered) if (!taken.has(`${rule} ${name}`)) taken.set(`${rule} ${name}`, i)
  })
  return problems
}

/** The waiver of a finding, whether or not it has ended. */
export function waiverOf(
  waivers: readonly WaiverConfig[],
  rule: string,
  subject: string,
): Waiver | undefined {
  const found = waivers.find((waiver) => waiver.rule === rule && matchesPattern(waiver.subject, subject))
  return found && { owner: found.owner, reason: found.reason, expires: toTimestamp(found.expires) }
}

function problem(index: number, key: keyof WaiverConfig, message: string): Problem {
  return { file: '', line: undefined, path: ['rules', 'waivers', index, key], message }
}
