import { testPack } from './harness.ts'
import { ETSI_EN_319_411 } from './etsi-en-319-411.cases.ts'

testPack('etsi-en-319-411', ETSI_EN_319_411)
