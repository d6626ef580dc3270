import { CABF_TLS_BR } from './cabf-tls-br.cases.ts'
import { testPack } from './harness.ts'

testPack('cabf-tls-br', CABF_TLS_BR)
