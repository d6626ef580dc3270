import type { WaiverConfig } from '../model/config.ts'
import type { Waiver } from '../model/finding.ts'
import type { Problem } from '../model/problem.ts'
import { formatInstant, toTimestamp } from '../model/time.ts'

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
    const covered = subjects.filter((name) => matches(subject, name))
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
  const found = waivers.find((waiver) => waiver.rule === rule && matches(waiver.subject, subject))
  return found && { owner: found.owner, reason: found.reason, expires: toTimestamp(found.expires) }
}

/** `*` stands for any characters, `?` for one; everything else for itself. */
function matches(pattern: string, text: string): boolean {
  let at = 0
  let star = -1
  let resume = 0
  for (let i = 0; i < text.length;) {
    const wanted = pattern[at]
    if (wanted === '*') {
      star = at++
      resume = i
    } else if (wanted === '?' || wanted === text[i]) {
      at++
      i++
    } else if (star !== -1) {
      at = star + 1
      i = ++resume
    } else return false
  }
  while (pattern[at] === '*') at++
  return at === pattern.length
}

function problem(index: number, key: keyof WaiverConfig, message: string): Problem {
  return { file: '', line: undefined, path: ['rules', 'waivers', index, key], message }
}

/** Subjects named in a message before the rest is counted. */
const MAX_LISTED = 10

function listed(subjects: readonly string[]): string {
  const more = subjects.length - MAX_LISTED
  return `${subjects.slice(0, MAX_LISTED).join(', ')}${more > 0 ? ` and ${more} more` : ''}`
}
