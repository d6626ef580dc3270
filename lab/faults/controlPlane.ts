// What a control plane says, or does on a schedule, otherwise than it is.
import { LAB_JOB, type PlannedRun } from '../dagsterLog.ts'
import type { Named, ServiceFault } from './fault.ts'

/** A serial number that no CA of the lab gives. */
const STRANGE_SERIAL = '10571058'
/** Later than is allowed by so little, in milliseconds, that it is hardly ever seen to be missing. */
const JUST = 50

/** Runs of the scheduled job are otherwise; there is one job for all services. */
function jobFault({ id, title }: Named, change: (run: PlannedRun) => readonly PlannedRun[]): ServiceFault {
  return {
    id,
    title,
    group: 'control',
    target: 'service',
    apply: (_service, { dagsterLog }) => Promise.resolve(dagsterLog.changeRuns(change)),
  }
}

export const CONTROL_PLANE_FAULTS: readonly ServiceFault[] = [
  {
    id: 'deployment-not-served',
    title: 'The control plane says that it deployed a certificate, and the service has another',
    group: 'control',
    target: 'service',
    apply: (service, { dagsterLog }) => {
      dagsterLog.deployed(service, { serial: STRANGE_SERIAL })
      return Promise.resolve(() => dagsterLog.deployed(service, service.own))
    },
  },
  jobFault({ id: 'job-missed', title: 'The job that renews certificates does not run' }, () => []),
  jobFault({ id: 'job-failed', title: 'The job that renews certificates fails' }, (run) => [
    { ...run, status: 'FAILURE' },
  ]),
  jobFault({ id: 'job-twice', title: 'The job that renews certificates runs twice' }, (run) => [run, run]),
  jobFault({ id: 'job-late', title: 'The job that renews certificates begins late' }, (run) => [
    { ...run, start: run.start - (run.start % LAB_JOB.period) + LAB_JOB.grace + JUST },
  ]),
  jobFault({ id: 'job-hangs', title: 'The job that renews certificates takes too long' }, (run) => [
    { ...run, duration: 1.6 * LAB_JOB.period },
  ]),
]
