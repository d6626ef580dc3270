import type { AuditEvent } from '../../../model/auditEvent.ts'
import { fromTimestamp, toTimestamp } from '../../../model/time.ts'
import type { DeclaredIssuance } from '../../../probes/reconciliation/expectations.ts'
import { JournaledLedger } from '../../../probes/reconciliation/ledger.ts'
import { JournalDouble } from '../../rules/journalDouble.ts'

/** An event of EJBCA about `issuing-1`; `at` in milliseconds. */
export function logged(
  action: string,
  at: number,
  pki: AuditEvent['pki'],
  more: Pick<Partial<AuditEvent>, 'x509'> & { readonly outcome?: 'failure' } = {},
): AuditEvent {
  const { outcome = 'success', ...rest } = more
  return {
    '@timestamp': toTimestamp(at),
    event: { action, outcome, category: [], type: [], module: 'ejbca', dataset: 'ejbca.audit', original: '' },
    pki: { caId: 'issuing-1', ...pki },
    position: { source: 'ejbca', fingerprint: '', offset: 0, end: 1 },
    ...rest,
  }
}

export function issuedEvent(serial: string, at: number, notAfter: number, sha256?: string): AuditEvent {
  const name = { distinguished_name: 'CN=x' }
  const x509 = {
    serial_number: serial.toUpperCase(),
    not_before: toTimestamp(at),
    not_after: toTimestamp(notAfter),
    subject: name,
    issuer: name,
  }
  return logged('CERT_CREATION', at, { serial, ...(sha256 === undefined ? {} : { sha256 }) }, { x509 })
}

export const revokedEvent = (serial: string, at: number, revocationReason = 4): AuditEvent =>
  logged('CERT_REVOKED', at, { serial, revocationReason })

/** Nothing is expected of it. */
export const ISSUING_1: DeclaredIssuance = { id: 'issuing-1', expected: [], servernames: [] }

/** What was journaled before comes as a store gives it, the newest first; `split` is where it ends and the running journal begins. */
export function ledgerOf(
  events: readonly AuditEvent[],
  split = 0,
  logs: ConstructorParameters<typeof JournaledLedger>[1] = [],
  declared: Partial<DeclaredIssuance> = {},
  room?: number,
): JournaledLedger {
  const journal = new JournalDouble()
  const records = events.map((body) => {
    journal.now = Math.max(journal.now, fromTimestamp(body['@timestamp']))
    return journal.seal({ kind: 'audit', time: body['@timestamp'], body })
  })
  const ledger = new JournaledLedger([{ ...ISSUING_1, ...declared }], logs, room)
  // While the store is read, the journal goes on.
  for (const batch of records.slice(split)) ledger.apply(batch)
  const earlier = records
    .slice(0, split)
    .flat()
    .flatMap((record) =>
      record.kind === 'audit' ? [{ ...record.body, id: record.id, recorded: record.recorded }] : [],
    )
  ledger.addEarlier(earlier.toReversed())
  ledger.complete()
  return ledger
}
