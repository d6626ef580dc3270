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

/** How the newest backup and drill went. */
export function backupTarget({ origin }: Pick<Config, 'origin'>): WatchedTarget {
  return { probe: 'backup', subject: monitorSubject(origin), address: 'backup', interval: INTERVAL }
}

/** The monitor, the directory of statements and the backups, where there are such. */
export function watchedByItself(
  config: Pick<Config, 'origin' | 'probes' | 'attestations' | 'backup'>,
): readonly WatchedTarget[] {
  return [
    selfTarget(config),
    ...(config.attestations === undefined ? [] : [STATEMENTS]),
    ...(config.backup === undefined ? [] : [backupTarget(config)]),
  ]
}
