import type { AuditEvent } from '../../model/auditEvent.ts'
import type { AuditQuery, Stored } from '../../store/contract.ts'
import { timeView, visible, visibleLines } from './format.ts'

/** Events on one page of the timeline. */
export const AUDIT_PAGE = 100
/** Longest value in a cell; the whole of it stands in the details. */
const CELL = 120
/** Longest raw record that is shown; the API has the whole of it. */
const MAX_ORIGINAL = 20_000

interface AuditInput {
  /** Newest first; one more than a page when there are older ones. */
  readonly events: readonly Stored<AuditEvent>[]
  readonly filter: Omit<AuditQuery, 'limit'>
  readonly authorities: readonly string[]
  readonly now: number
}

/** Who did what, when, on which CA, with which profile and key. */
export function auditPage({ events, filter, authorities, now }: AuditInput) {
  const shown = events.slice(0, AUDIT_PAGE)
  const last = shown.at(-1)
  const { after, ...kept } = filter
  return {
    rows: shown.map((event) => auditRow(event, now)),
    filter: {
      user: filter.user ?? '',
      action: filter.action ?? '',
      from: filter.from ?? '',
      to: filter.to ?? '',
    },
    filtered: Object.keys(kept).length > 0,
    authorities: options(authorities, filter.authority),
    newest: after === undefined ? null : path(kept),
    older: events.length > shown.length && last !== undefined ? path({ ...kept, after: last.id }) : null,
  }
}

function options(authorities: readonly string[], chosen: string | undefined) {
  const all = chosen === undefined || authorities.includes(chosen) ? authorities : [...authorities, chosen]
  return all.map((id) => ({ id, selected: id === chosen }))
}

function path(query: Omit<AuditQuery, 'limit'>): string {
  const parameters = new URLSearchParams(Object.entries(query)).toString()
  return parameters === '' ? '/audit' : `/audit?${parameters}`
}

function auditRow(stored: Stored<AuditEvent>, now: number) {
  const { event, user, source, message, x509, pki, position } = stored
  return {
    at: timeView(stored['@timestamp'], now),
    who: cell(user?.name),
    from: cell(source?.ip),
    what: visible(event.action, CELL),
    failed: event.outcome === 'failure',
    outcome: event.outcome,
    authority: cell(pki?.caId ?? pki?.caName),
    authorityName: pki?.caId === undefined || pki.caName === pki.caId ? null : cell(pki.caName),
    profile: cell(pki?.profile),
    key: cell(pki?.key),
    serial: cell(pki?.serial),
    about: cell(pki?.subject ?? pki?.username),
    details: [
      ['Message', message],
      ['Reason', event.reason],
      ['CA subject', pki?.caSubject],
      ['Certificate subject', pki?.subject],
      ['End entity', pki?.username],
      ['Revocation reason', pki?.revocationReason?.toString()],
      ['CRL number', pki?.crlNumber],
      ['Fingerprint (SHA-1)', pki?.fingerprint],
      ['Certificate (SHA-256)', pki?.sha256],
      ['Certificate issuer', x509?.issuer.distinguished_name],
      ['Valid from', x509?.not_before],
      ['Valid until', x509?.not_after],
      ['Signature of the log', pki?.signature],
      ['Code', event.code],
      ...Object.entries(pki?.details ?? {}),
    ].flatMap(([name, value]) =>
      value === undefined ? [] : [{ name: visible(name ?? '', CELL), value: visible(value) }],
    ),
    original: visibleLines(event.original, MAX_ORIGINAL),
    encoding: event.encoding ?? null,
    position: `${visible(position.source, CELL)}, octets ${position.offset} to ${position.end}`,
    record: stored.id,
  }
}

function cell(text: string | undefined): string | null {
  return text === undefined || text === '' ? null : visible(text, CELL)
}
