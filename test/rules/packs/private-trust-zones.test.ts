import { testPack } from './harness.ts'
import { PRIVATE_TRUST_ZONES } from './private-trust-zones.cases.ts'

testPack('private-trust-zones', PRIVATE_TRUST_ZONES)
