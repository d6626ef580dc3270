import type { PackCases } from './harness.ts'
import { INTERNAL_PKI } from './internal-pki.cases.ts'

/** The cases of every shipped pack. completeness.test.ts asks whether they are all there; docs/rules.md names them. */
export const PACK_CASES: Readonly<Record<string, PackCases>> = {
  'internal-pki': INTERNAL_PKI,
}
