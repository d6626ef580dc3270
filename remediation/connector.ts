import type { Config } from '../model/config.ts'
import type { RecordId } from '../model/recordId.ts'
import { parseSubject, type SubjectKind } from '../model/subject.ts'

export type RemediationPolicy = Config['remediation']['policies'][number]
export type RemediationAction = RemediationPolicy['action']

/** What each action can repair. A rule may be about more than that: a revoked known-good certificate is no service's to rotate. */
export const REPAIRABLE: Readonly<Record<RemediationAction, readonly SubjectKind[]>> = {
  reissue_crl: ['ca_crl'],
  rotate_certificate: ['deployed_service_cert', 'service_tls_health', 'service_cert'],
}

export function canRepair(action: RemediationAction, subject: string): boolean {
  const kind = parseSubject(subject)?.kind
  return kind !== undefined && REPAIRABLE[action].includes(kind)
}

/** What the control plane is asked to do. */
export interface RemediationRequest {
  readonly action: RemediationAction
  readonly subject: string
  readonly rule: string
  /** Same for every attempt to deliver this request: the control plane acts once on it. */
  readonly idempotencyKey: string
  /** The decision, and the observations that it rests on. */
  readonly evidence: readonly RecordId[]
  /** When it was decided to ask, in milliseconds. */
  readonly requestedAt: number
}

/** `detail` is one line for people. */
export type RemediationOutcome =
  /** The control plane took the request; that the repair worked is seen on the wire only. */
  | { readonly accepted: true; readonly detail: string }
  /** `again`: it may take the same request later (it was down, or busy); otherwise it said no. */
  | { readonly accepted: false; readonly again: boolean; readonly detail: string }

/** A way to ask a control plane for a repair. */
export interface RemediationConnector {
  /** Where requests go, without credentials. */
  readonly receiver: string
  /** Asks once. Never rejects: what goes wrong is an outcome. */
  request(request: RemediationRequest): Promise<RemediationOutcome>
  close(): Promise<void>
}

/** What a subject is about, in the words of the inventory. */
export function subjectParts(text: string): Readonly<Record<string, string>> {
  const subject = parseSubject(text)
  const [first, second] = subject?.keys ?? []
  switch (subject?.kind) {
    case 'ca_crl':
    case 'ocsp_responder_status':
    case 'intermediate_ca_cert':
      return first === undefined ? {} : { authority: first }
    case 'deployed_service_cert':
    case 'service_tls_health':
      return {
        ...(first === undefined ? {} : { service: first }),
        ...(second === undefined ? {} : { environment: second }),
      }
    case 'service_cert':
      return first === undefined ? {} : { service: first }
    case 'audit_log':
    case 'ca_server':
    case 'control_plane':
    case 'scheduled_job':
    case 'pki_sla_snapshot':
    case 'pki_governance':
    case 'monitor':
    case undefined:
      return {}
  }
}
