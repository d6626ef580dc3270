import type { ProbeResult } from '../model/observation.ts'
import { probeCrl } from './crl.ts'
import { probeOcsp } from './ocsp.ts'
import type { CrlTarget, OcspTarget, Probe, ProbeContext, Target, TlsTarget } from './probe.ts'
import { probeTls } from './tls.ts'

interface TargetOf {
  crl: CrlTarget
  ocsp: OcspTarget
  tls: TlsTarget
}

/** Every kind of probe. */
const PROBES: { readonly [K in keyof TargetOf]: Probe<TargetOf[K]> } = {
  crl: probeCrl,
  ocsp: probeOcsp,
  tls: probeTls,
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
