import type { LintableCrl } from './crlView.ts'
import type { RevocationReason } from '../crlEntries.ts'
import { toTimestamp } from '../../model/time.ts'
import { CRL_PROFILE } from './crlExtensions.ts'
import { EXTENSION } from './extensionView.ts'
import { baseline, expected, list, rfc } from './lint.ts'
import type { Lint, LintSource } from './lint.ts'

type CrlLint = Lint<LintableCrl>

/** Ballot SC-061: reason codes of TLS certificates. */
const REASONS = '2023-07-15'

/** BR 7.2.2 table CRLReasons: codes 1, 3, 4, 5 and 9; of other codes, `unspecified` is left out. */
const BASELINE_REASONS: readonly RevocationReason[] = [
  'keyCompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'privilegeWithdrawn',
]

/** Extensions of entries (RFC 5280 5.3), and whether they are critical. */
const CRITICALITY: readonly { name: string; oid: string; critical: boolean; source: LintSource }[] = [
  { name: 'reason_code', oid: EXTENSION.reasonCode, critical: false, source: rfc(5280, '5.3.1') },
  { name: 'invalidity_date', oid: EXTENSION.invalidityDate, critical: false, source: rfc(5280, '5.3.2') },
  {
    name: 'certificate_issuer',
    oid: EXTENSION.certificateIssuer,
    critical: true,
    source: rfc(5280, '5.3.3'),
  },
]
const DEFINED = CRITICALITY.map(({ oid }) => oid)

const hasEntries = ({ entries }: LintableCrl): boolean => entries > 0
const hasEntryExtension =
  (oid: string) =>
  ({ entryExtensions }: LintableCrl): boolean =>
    entryExtensions.some((extension) => extension.oid === oid)

/** An entry has a reason, or one that is none (which only BER lets pass). */
const hasReasons = (crl: LintableCrl): boolean => hasEntryExtension(EXTENSION.reasonCode)(crl)

function badReasons(crl: LintableCrl): readonly string[] {
  return crl.notes.flatMap(({ code, path }) => (code === 'reason_code' ? [`an unknown code at ${path}`] : []))
}

function otherReasons(crl: LintableCrl, allowed: readonly RevocationReason[]): string[] {
  return Object.entries(crl.reasons).flatMap(([reason, count]) =>
    count === 0 || reason === 'none' || allowed.some((name) => name === reason)
      ? []
      : [`${reason} (${count})`],
  )
}

function unlisted(crl: LintableCrl, known: readonly string[]): string | undefined {
  const other = [...new Set(crl.entryExtensions.map(({ oid }) => oid))].filter((oid) => !known.includes(oid))
  return other.length === 0
    ? undefined
    : expected(`only the entry extensions ${known.join(', ')}`, list(other))
}

/** RFC 5280 5.1.2.6 and 5.3, BR 7.2.2: what the entries have. */
export const CRL_ENTRY_LINTS: readonly CrlLint[] = [
  ...CRITICALITY.map(({ name, oid, critical, source }): CrlLint => ({
    id: `crl_entry_${name}_${critical ? '' : 'not_'}critical`,
    title: `Entries: extension ${name.replaceAll('_', ' ')} MUST ${critical ? '' : 'NOT '}be critical`,
    source,
    applies: hasEntryExtension(oid),
    check: ({ entryExtensions }) =>
      entryExtensions.some((extension) => extension.oid === oid && extension.critical !== critical)
        ? expected(
            `extension ${oid} ${critical ? '' : 'not '}to be critical`,
            critical ? 'one that is not' : 'a critical one',
          )
        : undefined,
  })),
  {
    id: 'crl_entry_serials_unique',
    title: 'Entries: no certificate is listed twice',
    source: rfc(5280, '5.1.2.6'),
    applies: (crl) => crl.entries > 0 && crl.duplicates !== undefined,
    check: (crl) => {
      const { count, first } = crl.duplicates?.() ?? { count: 0, first: undefined }
      return count === 0
        ? undefined
        : expected('every certificate once', `${count} again, serial ${first?.serial ?? 'unknown'} first`)
    },
  },
  {
    id: 'crl_entry_serials_valid',
    title: 'Entries: serial numbers are positive and have at most 20 octets',
    source: rfc(5280, '4.1.2.2'),
    applies: hasEntries,
    check: ({ oddSerials }) =>
      oddSerials === 0
        ? undefined
        : expected('positive numbers of at most 20 octets', `${oddSerials} others`),
  },
  {
    id: 'crl_entry_date_not_after_this_update',
    title: 'Entries: no revocation date is after thisUpdate',
    source: rfc(5280, '5.1.2.6'),
    applies: hasEntries,
    check: ({ revokedLater, latestRevocation = 0, thisUpdate }) =>
      revokedLater === 0
        ? undefined
        : expected(
            `revocation dates up to ${toTimestamp(thisUpdate)}`,
            `${revokedLater} later ones up to ${toTimestamp(latestRevocation)}`,
          ),
  },
  {
    id: 'crl_entry_date_plausible',
    title: 'Entries: no revocation date is before 1950',
    source: rfc(5280, '4.1.2.5'),
    applies: hasEntries,
    check: ({ notes }) => {
      const early = notes.filter(({ code, path }) => code === 'time_year' && path.endsWith('.revocationDate'))
      return early.length === 0
        ? undefined
        : expected('dates from 1950', list(early.map(({ path }) => `an earlier one at ${path}`)))
    },
  },
  {
    id: 'crl_entry_reason_code_defined',
    title: 'Entries: reason codes are those that RFC 5280 defines',
    source: rfc(5280, '5.3.1'),
    applies: hasReasons,
    check: (crl) => {
      const bad = badReasons(crl)
      return bad.length === 0 ? undefined : expected('a reason from 0 to 10 but 7', list(bad))
    },
  },
  {
    id: 'crl_entry_reason_code_not_unspecified',
    title: 'Entries: the reason SHOULD be left out rather than unspecified',
    source: rfc(5280, '5.3.1'),
    applies: hasReasons,
    check: ({ reasons }) =>
      reasons.unspecified === 0
        ? undefined
        : expected('no reason unspecified', `${reasons.unspecified} entries with it`),
  },
  {
    id: 'crl_entry_reason_code_baseline',
    title: 'Entries: reasons are those that the Baseline Requirements allow',
    source: baseline('7.2.2'),
    effectiveFrom: REASONS,
    applies: hasReasons,
    check: (crl) => {
      const other = [...otherReasons(crl, BASELINE_REASONS), ...badReasons(crl)]
      return other.length === 0 ? undefined : expected(BASELINE_REASONS.join(', '), list(other))
    },
  },
  {
    id: 'crl_entry_remove_from_crl_only_in_delta',
    title: 'Entries: removeFromCRL stands in delta CRLs only',
    source: rfc(5280, '5.3.1'),
    applies: ({ reasons }) => reasons.removeFromCRL > 0,
    check: ({ isDelta, reasons }) =>
      isDelta
        ? undefined
        : expected('removeFromCRL in delta CRLs only', `${reasons.removeFromCRL} entries with it`),
  },
  {
    id: 'crl_entry_certificate_issuer_only_in_indirect',
    title: 'Entries: certificateIssuer stands in indirect CRLs only',
    source: rfc(5280, '5.3.3'),
    applies: hasEntryExtension(EXTENSION.certificateIssuer),
    check: ({ issuingDistributionPoint: scope }) =>
      scope?.indirect === true ? undefined : expected('an indirect CRL', 'a direct one'),
  },
  {
    id: 'crl_entry_extensions_defined',
    title: 'Entries: extensions are those that RFC 5280 defines',
    source: rfc(5280, '5.3'),
    applies: ({ entryExtensions }) => entryExtensions.length > 0,
    check: (crl) => unlisted(crl, DEFINED),
  },
  {
    id: 'crl_entry_extensions_recommended',
    title: 'Entries: extensions beside the reason code are NOT RECOMMENDED',
    source: baseline('7.2.2'),
    effectiveFrom: CRL_PROFILE,
    applies: ({ entryExtensions }) => entryExtensions.length > 0,
    check: (crl) => unlisted(crl, [EXTENSION.reasonCode]),
  },
  {
    id: 'crl_entry_extensions_unique',
    title: 'Entries: no extension occurs twice',
    source: rfc(5280, '5.3, 4.2'),
    applies: hasEntries,
    check: ({ notes }) => {
      const twice = notes.filter(
        ({ code, path }) => code === 'duplicate_extension' && path.includes('crlEntryExtensions'),
      )
      return twice.length === 0
        ? undefined
        : expected('every extension once', list(twice.map(({ path }) => `another at ${path}`)))
    },
  },
]
