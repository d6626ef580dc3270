import { AUDIT_AND_LOGS } from './audit-and-logs.cases.ts'
import { CABF_TLS_BR } from './cabf-tls-br.cases.ts'
import { CRYPTO_AGILITY } from './crypto-agility.cases.ts'
import { ETSI_EN_319_411 } from './etsi-en-319-411.cases.ts'
import type { PackCases } from './harness.ts'
import { INTERNAL_PKI } from './internal-pki.cases.ts'
import { OPERATIONS } from './operations.cases.ts'
import { PRIVATE_TRUST_ZONES } from './private-trust-zones.cases.ts'
import { RFC_5280_6960 } from './rfc5280-6960.cases.ts'
import { SLO } from './slo.cases.ts'

/** The cases of every shipped pack. completeness.test.ts asks whether they are all there; docs/rules.md names them. */
export const PACK_CASES: Readonly<Record<string, PackCases>> = {
  'internal-pki': INTERNAL_PKI,
  operations: OPERATIONS,
  'rfc5280-6960': RFC_5280_6960,
  'cabf-tls-br': CABF_TLS_BR,
  slo: SLO,
  'private-trust-zones': PRIVATE_TRUST_ZONES,
  'etsi-en-319-411': ETSI_EN_319_411,
  'crypto-agility': CRYPTO_AGILITY,
  'audit-and-logs': AUDIT_AND_LOGS,
}
