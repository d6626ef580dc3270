import type { ProbeResult } from '../model/observation.ts'
import { probeCa } from './ca.ts'
import { probeCrl } from './crl.ts'
import { probeCrlSet } from './crlSet.ts'
import { probeHealth } from './health.ts'
import { probeIssuance } from './issuance.ts'
import { probeIssued } from './issued.ts'
import { probeMtls } from './mtls.ts'
import { probeOcsp } from './ocsp.ts'
import { probeOcspMatrix } from './ocspMatrix.ts'
import { probeOcspRevocations } from './ocspRevocations.ts'
import type {
  CaTarget,
  CrlSetTarget,
  CrlTarget,
  HealthTarget,
  IssuanceTarget,
  IssuedTarget,
  MtlsTarget,
  OcspMatrixTarget,
  OcspRevocationsTarget,
  OcspTarget,
  Probe,
  ProbeContext,
  ReconciliationTarget,
  Target,
  TlsTarget,
} from './probe.ts'
import { probeReconciliation } from './reconciliation.ts'
import { probeTls } from './tls.ts'

interface TargetOf {
  crl: CrlTarget
  crl_set: CrlSetTarget
  ocsp: OcspTarget
  ocsp_matrix: OcspMatrixTarget
  tls: TlsTarget
  mtls: MtlsTarget
  ca: CaTarget
  health: HealthTarget
  reconciliation: ReconciliationTarget
  issuance: IssuanceTarget
  issued: IssuedTarget
  ocsp_revocations: OcspRevocationsTarget
}

/** Every kind of probe. */
const PROBES: { readonly [K in keyof TargetOf]: Probe<TargetOf[K]> } = {
  crl: probeCrl,
  crl_set: probeCrlSet,
  ocsp: probeOcsp,
  ocsp_matrix: probeOcspMatrix,
  tls: probeTls,
  mtls: probeMtls,
  ca: probeCa,
  health: probeHealth,
  reconciliation: probeReconciliation,
  issuance: probeIssuance,
  issued: probeIssued,
  ocsp_revocations: probeOcspRevocations,
}

/** Runs the probe of the target's kind, once. */
export function runProbe(target: Target, context: ProbeContext): Promise<ProbeResult> {
  return probeOfKind(target.probe, target, context)
}

function probeOfKind<K extends keyof TargetOf>(
  kind: K,
  target: TargetOf[K],
  context: ProbeContext,
): Promise<ProbeResult> {
  return PROBES[kind](target, context)
}
