import { testPack } from './harness.ts'
import { SLO } from './slo.cases.ts'

testPack('slo', SLO)
