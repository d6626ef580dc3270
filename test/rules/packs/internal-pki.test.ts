import { testPack } from './harness.ts'
import { INTERNAL_PKI } from './internal-pki.cases.ts'

testPack('internal-pki', INTERNAL_PKI)
