import type { Config } from '../model/config.ts'
import { monitorSubject } from '../model/subject.ts'
import { SELF_TARGET } from '../probes/self.ts'
import { STATEMENTS, type WatchedTarget } from '../rules/subjects.ts'

/** Milliseconds between two looks at itself; less where probes run more often. */
const INTERVAL = 60_000

/** What rules judge the monitor by. */
export function selfTarget({ origin, probes }: Pick<Config, 'origin' | 'probes'>): WatchedTarget {
  const interval = Math.min(INTERVAL, probes.interval)
  return { probe: 'self', subject: monitorSubject(origin), address: SELF_TARGET, interval }
}

/** The monitor, and the directory of statements where there is one. */
export function watchedByItself(
  config: Pick<Config, 'origin' | 'probes' | 'attestations'>,
): readonly WatchedTarget[] {
  return [selfTarget(config), ...(config.attestations === undefined ? [] : [STATEMENTS])]
}
