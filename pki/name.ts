import { Der, TAG } from './der.ts'
import { decodeString, isStringTag } from './derString.ts'
import { isPlainName } from './plainName.ts'

/** A distinguished name (RFC 5280 4.1.2.4). */
export interface Name {
  /** The whole Name SEQUENCE as it was encoded. */
  readonly der: Uint8Array
  /** RFC 4514, most specific first: `CN=Issuing CA 1,O=Example PKI,C=SE`. */
  readonly text: string
  /** In encoded order, most general first. */
  readonly rdns: readonly (readonly Attribute[])[]
}

/** RelativeDistinguishedName: nearly always one attribute. */
export type Rdn = readonly Attribute[]

export interface Attribute {
  readonly type: string
  /** Identifier octet of the value: which string type was used. */
  readonly tag: number
  /** undefined: not a string type; then only `der` says what it is. */
  readonly text: string | undefined
  readonly der: Uint8Array
}

/** Octets of one name. RFC 5280 appendix A bounds each attribute to at most 32,768; real names stay under 1,000. */
const MAX_NAME = 16_384
/** Attributes in one name. Real ones have up to 15. */
const MAX_ATTRIBUTES = 128

/** Descriptors of RFC 4519 and of the IANA LDAP registry that are seen in certificates. */
const DESCRIPTORS: Readonly<Record<string, string>> = {
  '2.5.4.3': 'CN',
  '2.5.4.4': 'SN',
  '2.5.4.5': 'serialNumber',
  '2.5.4.6': 'C',
  '2.5.4.7': 'L',
  '2.5.4.8': 'ST',
  '2.5.4.9': 'STREET',
  '2.5.4.10': 'O',
  '2.5.4.11': 'OU',
  '2.5.4.12': 'title',
  '2.5.4.13': 'description',
  '2.5.4.15': 'businessCategory',
  '2.5.4.17': 'postalCode',
  '2.5.4.42': 'givenName',
  '2.5.4.43': 'initials',
  '2.5.4.44': 'generationQualifier',
  '2.5.4.46': 'dnQualifier',
  '2.5.4.65': 'pseudonym',
  '2.5.4.97': 'organizationIdentifier',
  '0.9.2342.19200300.100.1.1': 'UID',
  '0.9.2342.19200300.100.1.25': 'DC',
  '1.2.840.113549.1.9.1': 'emailAddress',
}

/** Reads the Name that comes next in `parent`. Throws PkiError(decode). */
export function readName(parent: Der, field: string): Name {
  return nameIn(parent.enter(TAG.sequence, field))
}

/** Reads the content of a Name (a cursor on the SEQUENCE itself). */
function nameIn(list: Der): Name {
  const der = list.der
  if (der.length > MAX_NAME) {
    list.fail('too_large', `expected a name of at most ${MAX_NAME} octets, got ${der.length}`)
  }
  if (!isPlainName(list.bytes, list.content, list.end)) return new EncodedName(der, readRdns(list))
  list.skipAll()
  return new EncodedName(der)
}

function readRdns(list: Der): Rdn[] {
  const rdns: Rdn[] = []
  let count = 0
  for (let i = 0; !list.done; i++) {
    const rdn = readRdn(list.enter(TAG.set, i), MAX_ATTRIBUTES - count)
    count += rdn.length
    rdns.push(rdn)
  }
  return rdns
}

/** Verification compares encodings; what they say is read when somebody asks. Without `rdns` the encoding is known to be good. */
class EncodedName implements Name {
  readonly der: Uint8Array
  #rdns: readonly Rdn[] | undefined
  #text: string | undefined

  constructor(der: Uint8Array, rdns?: readonly Rdn[]) {
    this.der = der
    this.#rdns = rdns
  }

  get rdns(): readonly Rdn[] {
    // The header may be BER, when that was asked for.
    return (this.#rdns ??= readRdns(Der.open(this.der, 'name', MAX_NAME, { ber: true })))
  }

  get text(): string {
    return (this.#text ??= rfc4514(this.rdns))
  }
}

/** The content of a RelativeDistinguishedName: at least one attribute, and at most `max`. */
export function readRdn(set: Der, max: number = MAX_ATTRIBUTES): Rdn {
  const rdn: Attribute[] = []
  const starts: number[] = []
  do {
    if (rdn.length >= max) set.fail('too_many', `expected at most ${MAX_ATTRIBUTES} attributes in a name`)
    starts.push(set.offset)
    rdn.push(readAttribute(set, rdn.length))
  } while (!set.done)
  if (rdn.length > 1 && !isSorted(set, starts)) set.note('set_unsorted')
  return rdn
}

/** X.690 11.6: the elements of a SET OF stand in ascending order of their encodings. */
function isSorted(set: Der, starts: readonly number[]): boolean {
  const elements = starts.map((start, i) => set.bytes.subarray(start, starts[i + 1] ?? set.end))
  return elements.every((element, i) => i === 0 || Buffer.compare(elements[i - 1] ?? element, element) <= 0)
}

function readAttribute(set: Der, index: number): Attribute {
  const pair = set.enter(TAG.sequence, index)
  const type = pair.oid('type')
  const value = pair.any('value')
  pair.finish()
  return {
    type,
    tag: value.tag,
    text: isStringTag(value.tag) ? decodeString(value) : undefined,
    der: value.der,
  }
}

/** RFC 4514 section 2: the last RDN first. */
function rfc4514(rdns: readonly (readonly Attribute[])[]): string {
  return rdns
    .map((rdn) => rdn.map(attributeText).join('+'))
    .reverse()
    .join(',')
}

function attributeText({ type, text, der }: Attribute): string {
  const descriptor = DESCRIPTORS[type]
  // 2.4: a type without descriptor, or a value that is not a string, is written as its encoding.
  if (descriptor === undefined || text === undefined) {
    return `${descriptor ?? type}=#${Buffer.from(der).toString('hex')}`
  }
  return `${descriptor}=${escapeValue(text)}`
}

/** 2.4; beyond what it demands, everything that could forge a line or reverse its direction on a terminal is escaped too. */
function escapeValue(text: string): string {
  return text.replace(/["+,;<>\\]|^[ #]| $/g, '\\$&').replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) =>
    Buffer.from(character, 'utf8')
      .toString('hex')
      .replace(/../g, (octet) => `\\${octet}`),
  )
}

/** RFC 5280 7.1: the same name, whatever string types, letter case and spacing were used. */
export function namesMatch(a: Name, b: Name): boolean {
  return sameOctets(a.der, b.der) || nameKey(a) === nameKey(b)
}

/** Equal for names that match: for maps of certificates by name. */
export function nameKey(name: Name): string {
  return canonicalRdns(name).join('\n')
}

/** The key of the name that has `rdn` below `base`. */
export function relativeNameKey(base: Name, rdn: Rdn): string {
  return [...canonicalRdns(base), canonicalRdn(rdn)].join('\n')
}

/** RFC 5280 4.2.1.10: `name` is `subtree` or lies below it. */
export function isNameWithin(name: Name, subtree: Name): boolean {
  const rdns = canonicalRdns(name)
  const base = canonicalRdns(subtree)
  return base.length <= rdns.length && base.every((rdn, i) => rdn === rdns[i])
}

/** A name is compared with many: with every candidate for its issuer, with every constraint. */
const canonicalForms = new WeakMap<Name, readonly string[]>()

function canonicalRdns(name: Name): readonly string[] {
  let rdns = canonicalForms.get(name)
  if (rdns === undefined) {
    rdns = name.rdns.map(canonicalRdn)
    canonicalForms.set(name, rdns)
  }
  return rdns
}

function canonicalRdn(rdn: Rdn): string {
  return JSON.stringify(rdn.map(canonicalAttribute).sort())
}

/** RFC 4518 string preparation as far as names need it: compatibility forms, case, and runs of spaces are equal. */
function canonicalAttribute({ type, text, der }: Attribute): string {
  if (text === undefined) return `${type}#${Buffer.from(der).toString('hex')}`
  return `${type}=${text.normalize('NFKC').toLowerCase().trim().replace(/\s+/g, ' ')}`
}

export function sameOctets(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}
