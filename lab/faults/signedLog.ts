// What happens to the signed log of a CA that Dogtag runs. What was written stands there after the repair, which only ends the cause.
import type { DogtagCa, DogtagClone } from '../dogtagCa.ts'
import type { DogtagFault, Undo } from './fault.ts'

function signedLogFault(
  id: string,
  title: string,
  apply: (ca: DogtagCa, clone: DogtagClone) => Undo,
): DogtagFault {
  return {
    id,
    title,
    group: 'log',
    target: 'dogtag',
    apply: (ca) => Promise.resolve(apply(ca, ca.clones[0])),
  }
}

export const SIGNED_LOG_FAULTS: readonly DogtagFault[] = [
  signedLogFault(
    'log-signed-line-changed',
    'A line of a signed log is not the one that was signed',
    (ca, clone) => {
      ca.enrolUnnoticed(clone, 'forged')
      return () => undefined
    },
  ),
  signedLogFault(
    'log-signatures-chained-wrong',
    'A signed part of a log is missing between two files of it',
    (ca, clone) => {
      ca.enrolUnnoticed(clone, 'lost')
      clone.log.rotate()
      ca.enrol(clone)
      return () => undefined
    },
  ),
  signedLogFault('log-unsigned', 'A log is not signed any more', (ca, clone) => {
    const goOn = clone.log.stopSigning()
    ca.enrol(clone)
    return () => {
      goOn()
      ca.enrol(clone)
    }
  }),
]
