import type { Certificate } from '../certificate.ts'
import { PkiError } from '../error.ts'
import type { Note, NoteCode } from '../note.ts'

// A lint is one structural rule of a standard about one object. It knows no threshold, no history, no severity and no clock:
// the same octets always give the same outcome. What an organisation makes of it stands in rule packs.

export type LintOutcome = 'pass' | 'fail' | 'not_applicable'

export interface LintResult {
  readonly id: string
  readonly outcome: LintOutcome
  /** What was expected and what was found, when it failed. */
  readonly message?: string
}

export interface LintSource {
  readonly document: string
  readonly version?: string
  readonly section?: string
}

interface LintBase<T> {
  /** lower_snake_case, starting with the kind of object: a fact, `lint.<id>`. */
  readonly id: string
  /** What holds when it passes. */
  readonly title: string
  readonly source: LintSource
  /** Day (UTC) from which the rule counts: by notBefore, thisUpdate or producedAt. */
  readonly effectiveFrom?: string
  /** Absent: to every object of the kind. */
  readonly applies?: (object: T) => boolean
}

/** undefined: passed; otherwise what was expected and found. */
type Finding = string | undefined

export type Lint<T> = LintBase<T> &
  (
    | { readonly check: (object: T) => Finding }
    /** Does not apply where no issuer is given. */
    | { readonly checkIssued: (object: T, issuer: Certificate) => Finding }
  )

/** Characters of a message. It quotes hostile input. */
const MAX_MESSAGE = 300
/** Items of a list, and characters of a text, that are quoted. */
const MAX_ITEMS = 5
const MAX_QUOTE = 80

/** Judges an object that was made at `made` (milliseconds since the epoch) by every lint, in the order of the table. */
export function runLints<T>(
  lints: readonly Lint<T>[],
  object: T,
  made: number,
  issuer: Certificate | undefined,
): readonly LintResult[] {
  return lints.map((lint) => {
    const { id } = lint
    if (lint.effectiveFrom !== undefined && made < Date.parse(lint.effectiveFrom)) return notApplicable(id)
    if (lint.applies !== undefined && !lint.applies(object)) return notApplicable(id)
    if (!('check' in lint)) {
      return issuer === undefined ? notApplicable(id) : result(id, () => lint.checkIssued(object, issuer))
    }
    return result(id, () => lint.check(object))
  })
}

function notApplicable(id: string): LintResult {
  return { id, outcome: 'not_applicable' }
}

function result(id: string, check: () => Finding): LintResult {
  const found = orUnreadable(check)
  return found === undefined
    ? { id, outcome: 'pass' }
    : { id, outcome: 'fail', message: visible(found, MAX_MESSAGE) }
}

/** What is inside an extension is sometimes only read here. */
function orUnreadable(check: () => Finding): Finding {
  try {
    return check()
  } catch (error) {
    if (error instanceof PkiError) return error.message
    throw error
  }
}

/** The usual message. `got` may be hostile. */
export function expected(what: string, got: string): string {
  return `expected ${what}, got ${got}`
}

/** Text from the object, in quotes. */
export function quote(text: string): string {
  return `"${visible(text, MAX_QUOTE)}"`
}

export function list(items: Iterable<string>): string {
  const all = [...items]
  if (all.length === 0) return 'none'
  const shown = all.slice(0, MAX_ITEMS).join(', ')
  return all.length > MAX_ITEMS ? `${shown} and ${all.length - MAX_ITEMS} more` : shown
}

/** Items that occur more than once. */
export function duplicates(items: readonly string[]): string[] {
  const seen = new Set<string>()
  return [...new Set(items.filter((item) => seen.size === seen.add(item).size))]
}

/** Without anything that could end a line or turn the direction of writing. */
function visible(text: string, max: number): string {
  const escaped = text.replace(
    /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu,
    (character) => `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`,
  )
  return escaped.length <= max ? escaped : `${escaped.slice(0, max - 1)}…`
}

interface Noted {
  readonly notes: readonly Note[]
}

const BER_CODES: ReadonlySet<NoteCode> = new Set<NoteCode>([
  'indefinite_length',
  'long_length',
  'constructed_string',
  'boolean_value',
  'long_integer',
  'padding_bits',
])

const TIME_CODES: ReadonlySet<NoteCode> = new Set<NoteCode>([
  'time_without_seconds',
  'time_offset',
  'time_fraction',
  'time_year',
  'generalized_time',
])

/** Places with one of these notes, for a message; undefined: there are none. */
function notesOf(object: Noted, codes: ReadonlySet<NoteCode>, what: string): Finding {
  const found = object.notes.filter(({ code }) => codes.has(code))
  if (found.length === 0) return undefined
  return expected(what, list(found.map(({ code, path, offset }) => `${code} at ${path} (offset ${offset})`)))
}

const X690 = (section: string): LintSource => ({ document: 'X.690', version: '2021', section })
export const rfc = (number: number, section: string): LintSource => ({ document: `RFC ${number}`, section })
export const baseline = (section: string): LintSource => ({
  document: 'CA/Browser Forum TLS BR',
  version: '2.2.6',
  section,
})

/** What the reader accepted and noted: the same lints for every kind of object. `article` as in "the certificate". */
export function encodingLints<T extends Noted>(
  prefix: 'cert' | 'crl' | 'ocsp',
  noun: string,
): readonly Lint<T>[] {
  const noted = (
    name: string,
    title: string,
    source: LintSource,
    codes: ReadonlySet<NoteCode>,
    what: string,
  ): Lint<T> => ({
    id: `${prefix}_${name}`,
    title: `${noun}: ${title}`,
    source,
    check: (object) => notesOf(object, codes, what),
  })
  const one = (code: NoteCode): ReadonlySet<NoteCode> => new Set([code])
  return [
    noted('encoding_der', 'encoded in DER, not BER', X690('10'), BER_CODES, 'DER'),
    noted(
      'time_encoding',
      'dates have the form that their year demands, with seconds and without fraction or offset',
      rfc(5280, '4.1.2.5'),
      TIME_CODES,
      'YYMMDDHHMMSSZ before 2050, YYYYMMDDHHMMSSZ from then',
    ),
    noted(
      'defaults_omitted',
      'values that are the default are left out',
      X690('11.5'),
      one('default_written'),
      'no default value',
    ),
    noted(
      'sets_sorted',
      'elements of a SET OF are in order',
      X690('11.6'),
      one('set_unsorted'),
      'sorted sets',
    ),
    noted(
      'named_bits_trimmed',
      'named bits end with a one',
      X690('11.2.2'),
      one('trailing_zero_bits'),
      'no trailing zero bits',
    ),
    noted(
      'string_alphabet',
      'characters belong to the string type',
      rfc(5280, '4.1.2.4'),
      one('character_set'),
      'characters of the string type',
    ),
    {
      ...noted(
        'rsa_parameters_null',
        'RSA algorithms have the parameters NULL',
        rfc(4055, '5'),
        one('null_missing'),
        'parameters NULL',
      ),
      // RFC 5280 made RFC 4055 part of the profile.
      effectiveFrom: '2008-05-01',
    },
    noted(
      'extensions_unique',
      'no extension occurs twice',
      rfc(5280, '4.2'),
      one('duplicate_extension'),
      'every extension once',
    ),
    noted(
      'lists_not_empty',
      'lists that must have an item have one',
      rfc(5280, '4.1'),
      one('empty_list'),
      'at least one item',
    ),
  ]
}
