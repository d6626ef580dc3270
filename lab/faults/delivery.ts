// What can go wrong between a right CRL and who fetches it.
import { deliveryFault, type CaFault } from './fault.ts'

export const DELIVERY_FAULTS: readonly CaFault[] = [
  deliveryFault({ id: 'crl-not-found', title: 'The distribution point answers 404' }, () => (reply) => ({
    ...reply,
    status: 404,
  })),
]
