// What can be wrong with a responder and its answers.
import type { CaFault } from './fault.ts'

export const OCSP_FAULTS: readonly CaFault[] = [
  {
    id: 'ocsp-down',
    title: 'The OCSP responder does not listen',
    group: 'ocsp',
    target: 'ca',
    apply: async ({ responder }) => {
      await responder.stop()
      return () => responder.start()
    },
  },
]
