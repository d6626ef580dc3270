import { explicit, implicit } from './der.ts'
import type { Der } from './der.ts'
import { UTF8_STRING, asciiText, decodeString } from './derString.ts'
import { formatIp } from './ip.ts'
import { readName } from './name.ts'
import type { Name } from './name.ts'

/** RFC 5280 4.2.1.6. */
export type GeneralName =
  | { readonly type: 'dns' | 'email' | 'uri'; readonly value: string }
  /** 4 or 16 octets; in a name constraint 8 or 32, address and mask. */
  | { readonly type: 'ip'; readonly octets: Uint8Array }
  | { readonly type: 'directory'; readonly name: Name }
  | OtherGeneralName

/** The forms that name neither a host nor a directory entry. */
type OtherGeneralName = { readonly type: 'other' } & (
  | {
      readonly form: 'otherName'
      /** type-id. */
      readonly oid: string
      /** DER of the value. */
      readonly value: Uint8Array
      /** Of the types that are text: user principal names and internationalised mailboxes. */
      readonly text: string | undefined
    }
  | { readonly form: 'registeredID'; readonly oid: string }
  /** The whole element, not interpreted: nobody has been seen to use either. */
  | { readonly form: 'x400Address' | 'ediPartyName'; readonly der: Uint8Array }
)

/** Names in one list. The largest certificates in public logs carry 2,000. */
const MAX_GENERAL_NAMES = 10_000

const FORMS = new Map<number, 'email' | 'dns' | 'uri'>([
  [implicit(1), 'email'],
  [implicit(2), 'dns'],
  [implicit(6), 'uri'],
])

/** Types of otherName whose value is a UTF8String: Microsoft's user principal name, and SmtpUTF8Mailbox (RFC 9598). */
const TEXT_TYPES: ReadonlySet<string> = new Set(['1.3.6.1.4.1.311.20.2.3', '1.3.6.1.5.5.7.8.9'])

/** Every GeneralName in a list. RFC 5280 wants at least one; responders with an empty subjectAltName are in use. */
export function readGeneralNames(list: Der): GeneralName[] {
  const names: GeneralName[] = []
  while (!list.done) {
    if (names.length >= MAX_GENERAL_NAMES)
      list.fail('too_many', `expected at most ${MAX_GENERAL_NAMES} names`)
    names.push(readGeneralName(list, names.length, [4, 16]))
  }
  if (names.length === 0) list.note('empty_list')
  return names
}

/** One GeneralName; an iPAddress must have one of the given lengths in octets. */
export function readGeneralName(
  list: Der,
  field: string | number,
  ipLengths: readonly number[],
): GeneralName {
  if (list.next === explicit(4)) {
    const choice = list.enter(explicit(4), field)
    const name = readName(choice, 'directoryName')
    choice.finish()
    return { type: 'directory', name }
  }
  if (list.next === explicit(0)) return readOtherName(list.enter(explicit(0), field))
  const element = list.any(field)
  const form = FORMS.get(element.tag)
  if (form !== undefined) return { type: form, value: printable(element) }
  if (element.tag === implicit(7)) {
    const octets = element.value
    if (!ipLengths.includes(octets.length)) {
      element.fail(
        'bad_value',
        `expected an IP address of ${ipLengths.join(' or ')} octets, got ${octets.length}`,
      )
    }
    return { type: 'ip', octets }
  }
  switch (element.tag) {
    case explicit(3):
      return { type: 'other', form: 'x400Address', der: element.der }
    case explicit(5):
      return { type: 'other', form: 'ediPartyName', der: element.der }
    case implicit(8):
      return { type: 'other', form: 'registeredID', oid: element.asOid() }
    default:
      return element.fail('unexpected_tag', 'expected a GeneralName')
  }
}

/** OtherName: a type, and a value of that type in `[0] EXPLICIT`. */
function readOtherName(element: Der): GeneralName {
  const oid = element.oid('type-id')
  const field = element.enter(explicit(0), 'value')
  const value = field.any('')
  field.finish()
  element.finish()
  const isText = TEXT_TYPES.has(oid) && value.tag === UTF8_STRING
  const text = isText ? withoutControls(value, decodeString(value)) : undefined
  return { type: 'other', form: 'otherName', oid, value: value.der, text }
}

function printable(element: Der): string {
  return withoutControls(element, asciiText(element))
}

/** A NUL or line feed in a name has only ever been an attack. */
function withoutControls(element: Der, text: string): string {
  if (/[\x00-\x1f\x7f]/.test(text)) element.fail('bad_string', 'expected no control characters')
  return text
}

/** As text, for facts; undefined for forms that are not identities of a host or a person. */
export function identityText(name: GeneralName): string | undefined {
  switch (name.type) {
    case 'dns':
    case 'email':
    case 'uri':
      return name.value
    case 'ip':
      return formatIp(name.octets)
    case 'other':
      return name.form === 'otherName' ? name.text : undefined
    case 'directory':
      return undefined
  }
}
