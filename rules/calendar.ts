import type { Inventory, WaiverConfig } from '../model/config.ts'
import type { Facts } from '../model/facts.ts'
import type { ProbeKind } from '../model/observation.ts'
import { parseSubject } from '../model/subject.ts'
import { formatInstant } from '../model/time.ts'
import type { Issuer } from '../probes/probe.ts'
import type { Pack, Rule } from './pack.ts'
import { resolveSettings, type ParameterOverrides, type ParameterVersion } from './parameters.ts'
import { humanDuration } from './summary.ts'

// What ends, and what begins: dates that somebody has to prepare for. All times in milliseconds.

const CALENDAR_KINDS = [
  'ca_renewal',
  'ca_expires',
  'certificate_expires',
  'ocsp_signer_expires',
  'crl_ceremony',
  'policy_date',
  'waiver_ends',
  'attestation_expires',
] as const
export type CalendarKind = (typeof CALENDAR_KINDS)[number]

export interface CalendarEntry {
  readonly at: number
  readonly kind: CalendarKind
  /** What it is about: a subject as findings name it, or a rule. */
  readonly subject: string
  /** One line for people. */
  readonly summary: string
  /** What else there is to know; '' when there is nothing. */
  readonly detail: string
}

/** The facts of one target as last established. */
export interface KnownTarget {
  readonly subject: string
  readonly probe: ProbeKind
  readonly target: string
  readonly facts: Facts
}

export interface CalendarInput {
  readonly inventory: Pick<Inventory, 'services' | 'authorities'>
  readonly issuers: ReadonlyMap<string, Issuer>
  readonly known: readonly KnownTarget[]
  readonly packs: readonly Pack[]
  readonly parameters: ParameterOverrides
  readonly waivers: readonly WaiverConfig[]
}

/**
 * Everything up to `until`, the earliest first. What has ended stays as long as it is still served or declared; policy dates and waivers of
 * the past are over.
 */
export function calendar(input: CalendarInput, now: number, until: number): readonly CalendarEntry[] {
  const standing = [...authorities(input), ...input.known.flatMap(knownEntries(input))]
  const future = [...policyDates(input), ...input.waivers.map(waiverEntry)]
  return [...standing, ...future.filter(({ at }) => at > now)]
    .filter(({ at }) => at <= until)
    .toSorted((a, b) => a.at - b.at || rank(a) - rank(b) || (a.subject < b.subject ? -1 : 1))
}

function rank({ kind }: CalendarEntry): number {
  return CALENDAR_KINDS.indexOf(kind)
}

/** A CA must outlive what it issues, so it is renewed the longest lifetime that it issues before it ends. */
function authorities({ issuers, inventory, known }: CalendarInput): readonly CalendarEntry[] {
  return inventory.authorities.flatMap(({ id, class: kind, issuer }): CalendarEntry[] => {
    const certificate = issuers.get(id)?.certificate
    if (certificate === undefined) return []
    const subject = `intermediate_ca_cert[${id}]`
    const name = `${issuer === undefined ? 'Root' : 'Intermediate'} CA ${id}`
    const detail = `${certificate.subject.text}, serial ${certificate.serial}, ${kind}`
    const ends: CalendarEntry = {
      at: certificate.notAfter,
      kind: 'ca_expires',
      subject,
      summary: `${name} expires`,
      detail,
    }
    const longest = longestIssued(id, { issuers, inventory, known })
    if (longest === undefined) return [ends]
    return [
      {
        at: certificate.notAfter - longest.lifetime,
        kind: 'ca_renewal',
        subject,
        summary: `${name} has to be renewed: what it issues for ${humanDuration(longest.lifetime)} from then on would outlive it`,
        detail: `it expires at ${formatInstant(certificate.notAfter)}; the longest that it issued is ${longest.what}`,
      },
      ends,
    ]
  })
}

/** The longest lifetime among the authorities declared below it and the certificates that its services show. */
function longestIssued(
  id: string,
  { issuers, inventory, known }: Pick<CalendarInput, 'issuers' | 'inventory' | 'known'>,
): { readonly lifetime: number; readonly what: string } | undefined {
  const below = inventory.authorities.flatMap(({ id: other, issuer }) => {
    const certificate = issuer === id ? issuers.get(other)?.certificate : undefined
    return certificate === undefined
      ? []
      : [{ lifetime: certificate.notAfter - certificate.notBefore, what: `that of ${other}` }]
  })
  const services = new Set(
    inventory.services
      .filter(({ issuer }) => issuer === id)
      .map((service) => `service_tls_health[${service.id},${service.environment}]`),
  )
  const shown = known.flatMap(({ subject, facts: { certificate, tls } }) => {
    // What somebody else issued says nothing about this authority.
    if (!services.has(subject) || tls?.pathValid !== true) return []
    const lifetime = timeOf(certificate?.notAfter) - timeOf(certificate?.notBefore)
    return Number.isNaN(lifetime) ? [] : [{ lifetime, what: `that of ${subject}` }]
  })
  return [...below, ...shown].toSorted((a, b) => b.lifetime - a.lifetime)[0]
}

const knownEntries =
  ({ inventory }: CalendarInput) =>
  ({ subject, probe, target, facts }: KnownTarget): readonly CalendarEntry[] => {
    const [id = ''] = parseSubject(subject)?.keys ?? []
    const { certificate, prober, ocsp, crl, attestation } = facts
    const entry = (
      kind: CalendarKind,
      end: string | undefined,
      summary: string,
      detail: string,
    ): CalendarEntry[] => {
      const at = timeOf(end)
      return Number.isNaN(at) ? [] : [{ at, kind, subject, summary, detail }]
    }
    switch (probe) {
      case 'tls': {
        const names = certificate?.identities?.join(', ') ?? ''
        const detail = `serial ${certificate?.serial ?? '?'}, issued by ${certificate?.issuer ?? '?'}${names === '' ? '' : `, for ${names}`}`
        return [
          ...entry('certificate_expires', certificate?.notAfter, `Certificate of ${target} expires`, detail),
          ...entry(
            'certificate_expires',
            prober?.notAfter,
            `Certificate that the prober shows to ${target} expires`,
            `${prober?.subject ?? '?'}, serial ${prober?.serial ?? '?'}`,
          ),
        ]
      }
      case 'ca':
        return entry(
          'certificate_expires',
          certificate?.notAfter,
          `Certificate of authority ${id} expires`,
          `serial ${certificate?.serial ?? '?'}, issued by ${certificate?.issuer ?? '?'}`,
        )
      case 'ocsp':
        // A CA that signs itself has its own entry.
        return ocsp?.responderDelegated === true
          ? entry(
              'ocsp_signer_expires',
              ocsp.responderNotAfter,
              `Certificate of the OCSP signer of ${id} expires`,
              `${ocsp.responder ?? '?'} at ${target}`,
            )
          : []
      case 'crl':
        return inventory.authorities.some((authority) => authority.id === id && authority.class === 'offline')
          ? entry(
              'crl_ceremony',
              crl?.nextUpdate,
              `Offline authority ${id}: its next CRL must be out`,
              `number ${crl?.number ?? '?'} at ${target}, issued ${crl?.thisUpdate ?? '?'}`,
            )
          : []
      case 'attestation':
        return entry(
          'attestation_expires',
          attestation?.expires,
          `Statement ${target} about ${subject} expires`,
          `by ${attestation?.by ?? '?'}: ${attestation?.statement ?? ''}`,
        )
      case 'crl_set':
      case 'ocsp_matrix':
      case 'mtls':
      case 'health':
      case 'follow':
      case 'backup':
      case 'reconciliation':
      case 'issuance':
      case 'deployment':
      case 'job':
      case 'issued':
      case 'ocsp_revocations':
      case 'slo':
      case 'log':
      case 'repair':
      case 'self':
        return []
    }
  }

function waiverEntry({ rule, subject, owner, reason, expires }: WaiverConfig): CalendarEntry {
  const summary = `Waiver of ${rule} for ${subject} ends`
  return { at: expires, kind: 'waiver_ends', subject, summary, detail: `by ${owner}: ${reason}` }
}

/** When a rule comes into force or ends, and when a value of it changes. */
function policyDates({ packs, parameters }: CalendarInput): readonly CalendarEntry[] {
  return packs.flatMap((pack) =>
    pack.rules.flatMap((rule) => {
      const { settings } = resolveSettings(rule, parameters[rule.id] ?? {})
      const { from, until } = rule.effective
      return [
        ...(Number.isFinite(from) ? [policyEntry(rule, from, 'comes into force')] : []),
        ...(Number.isFinite(until) ? [policyEntry(rule, until, 'is not in force any more')] : []),
        ...settings.versions
          .filter((version) => Number.isFinite(version.from))
          .map((version) => policyEntry(rule, version.from, changed(version))),
      ]
    }),
  )
}

function policyEntry(rule: Rule, at: number, what: string): CalendarEntry {
  const { document, version, section } = rule.source
  const source = [document, version, section].filter((part) => part !== undefined).join(' ')
  return {
    at,
    kind: 'policy_date',
    subject: rule.id,
    summary: `${rule.id} ${what}`,
    detail: `${rule.title}; ${source}`,
  }
}

/** `changes: max_validity 100d`. */
function changed({ from, origins, written }: ParameterVersion): string {
  const values = Object.entries(origins)
    .filter(([, origin]) => origin.from === from)
    .map(([name]) => `${name} ${written[name] ?? ''}`)
  return `changes: ${values.join(', ')}`
}

function timeOf(text: string | undefined): number {
  return text === undefined ? NaN : Date.parse(text)
}
