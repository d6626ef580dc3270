import { messageOf } from '../../model/thrown.ts'
import { checkSchedule } from '../../probes/crl/schedule.ts'
import type { Declared, Path } from './declared.ts'

/** Refuses what is no cron expression, and times that never come. */
export function checkCron(
  from: Declared,
  path: Path,
  { cron, timezone }: { readonly cron: string; readonly timezone: string },
): void {
  try {
    checkSchedule({ kind: 'cron', expression: cron, timezone })
  } catch (error) {
    const why = messageOf(error)
    from.refuse(path, `"${cron}" in ${timezone} is not a time that comes: ${why}`)
  }
}
