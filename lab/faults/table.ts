// Every fault that the lab can switch on: one row each, in one file a group.
import { AUTHORITY_FAULTS } from './authority.ts'
import { CONTROL_PLANE_FAULTS } from './controlPlane.ts'
import { CRL_FAULTS } from './crl.ts'
import { DELIVERY_FAULTS } from './delivery.ts'
import type { Fault } from './fault.ts'
import { LOG_FAULTS } from './log.ts'
import { MUTUAL_FAULTS } from './mutual.ts'
import { SIGNED_LOG_FAULTS } from './signedLog.ts'
import { OCSP_FAULTS } from './ocsp.ts'
import { CLONE_FAULTS, RECONCILIATION_FAULTS } from './reconciliation.ts'
import { TLS_FAULTS } from './tls.ts'

export const FAULTS: readonly Fault[] = [
  ...CRL_FAULTS,
  ...DELIVERY_FAULTS,
  ...OCSP_FAULTS,
  ...TLS_FAULTS,
  ...MUTUAL_FAULTS,
  ...AUTHORITY_FAULTS,
  ...LOG_FAULTS,
  ...SIGNED_LOG_FAULTS,
  ...RECONCILIATION_FAULTS,
  ...CONTROL_PLANE_FAULTS,
  ...CLONE_FAULTS,
]
