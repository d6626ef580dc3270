import { LAB_JOB } from '../../../lab/dagsterLog.ts'
import { MINUTE } from '../../rules/journalDouble.ts'
import type { Row } from '../row.ts'

const settings = { controlPlaneLog: 'watched' } as const
const subjects = [`scheduled_job[dagster,${LAB_JOB.id}]`]

/** A run later it shows, and another one later it is over. */
const job = (fault: string, rule: string): Row => ({
  id: 'L11',
  fault,
  target: 'shop',
  rules: [rule],
  subjects,
  settings,
  showsAfter: 10 * MINUTE,
  overAfter: 10 * MINUTE,
})

export const CONTROL_PLANE_ROWS: readonly Row[] = [
  {
    id: 'L12',
    fault: 'deployment-not-served',
    target: 'shop',
    rules: ['deployed_certificate_served'],
    settings,
    showsAfter: 11 * MINUTE,
  },
  job('job-missed', 'job_ran'),
  job('job-failed', 'job_succeeded'),
  job('job-twice', 'job_ran_once'),
  job('job-late', 'job_on_time'),
  job('job-hangs', 'job_not_too_long'),
]
