import { testPack } from './harness.ts'
import { OPERATIONS } from './operations.cases.ts'

testPack('operations', OPERATIONS)
