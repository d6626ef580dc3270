// What can be wrong with a CA's own certificate, and with where it is published.
import type { CaFault } from './fault.ts'

export const AUTHORITY_FAULTS: readonly CaFault[] = []
