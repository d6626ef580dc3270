import type { Concern } from './concerns.ts'

/** Newest ones that are named. */
const MAX_NAMED = 5
/** Characters of one: who did what, and a reason. */
const MAX_TEXT = 200

/** What is known of one concern of one log. */
export interface Tally {
  /** Since the log is watched. */
  readonly count: number
  /** RFC 3339, of the newest. */
  readonly at: string | undefined
  /** The newest first. */
  readonly recent: readonly string[]
}

export const NOTHING: Tally = { count: 0, at: undefined, recent: [] }

/** One more; `at` in RFC 3339. What the log says is cut, and without control characters. */
export function counted({ count, at: before, recent }: Tally, at: string, what: string): Tally {
  const text = `${at.slice(0, 19)}Z ${plain(what)}`
  return {
    count: count + 1,
    at: before === undefined || at > before ? at : before,
    recent: [text, ...recent].slice(0, MAX_NAMED),
  }
}

/** Three facts: `gaps`, `gapsAt`, `gapsRecent`. */
export type TallyFacts<N extends Concern> = { readonly [K in N]: number } & {
  readonly [K in `${N}At`]?: string
} & { readonly [K in `${N}Recent`]: readonly string[] }

export function tallyFacts<N extends Concern>(name: N, { count, at, recent }: Tally): TallyFacts<N> {
  const facts = {
    [name]: count,
    [`${name}Recent`]: recent,
    ...(at === undefined ? {} : { [`${name}At`]: at }),
  }
  // Computed keys lose their names.
  return facts as unknown as TallyFacts<N>
}

/** As the facts of an earlier observation have it; what is missing in them has not happened. */
export function tallyOf(name: Concern, facts: Readonly<Record<string, unknown>>): Tally {
  const [count, at, recent] = [facts[name], facts[`${name}At`], facts[`${name}Recent`]]
  return {
    count: typeof count === 'number' ? count : 0,
    at: typeof at === 'string' ? at : undefined,
    recent: Array.isArray(recent) ? recent.filter((text) => typeof text === 'string') : [],
  }
}

function plain(text: string): string {
  return text
    .slice(0, MAX_TEXT)
    .toWellFormed()
    .replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/gu, ' ')
}
