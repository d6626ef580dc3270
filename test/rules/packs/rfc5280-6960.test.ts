import { testPack } from './harness.ts'
import { RFC_5280_6960 } from './rfc5280-6960.cases.ts'

testPack('rfc5280-6960', RFC_5280_6960)
