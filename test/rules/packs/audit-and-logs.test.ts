import { testPack } from './harness.ts'
import { AUDIT_AND_LOGS } from './audit-and-logs.cases.ts'

testPack('audit-and-logs', AUDIT_AND_LOGS)
