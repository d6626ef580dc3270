import { explicit, implicit } from './der.ts'
import type { Der } from './der.ts'
import { asciiText } from './derString.ts'
import { formatIp } from './ip.ts'
import { readName } from './name.ts'
import type { Name } from './name.ts'

/** RFC 5280 4.2.1.6. `other`: a form that vigil does not read; `form` says which. */
export type GeneralName =
  | { readonly type: 'dns' | 'email' | 'uri'; readonly value: string }
  /** 4 or 16 octets; in a name constraint 8 or 32, address and mask. */
  | { readonly type: 'ip'; readonly octets: Uint8Array }
  | { readonly type: 'directory'; readonly name: Name }
  | {
      readonly type: 'other'
      readonly form: 'otherName' | 'x400Address' | 'ediPartyName' | 'registeredID'
    }

/** Names in one list. The largest certificates in public logs carry 2,000. */
const MAX_GENERAL_NAMES = 10_000

const FORMS = new Map<number, 'email' | 'dns' | 'uri'>([
  [implicit(1), 'email'],
  [implicit(2), 'dns'],
  [implicit(6), 'uri'],
])

const OTHER_FORMS = new Map<number, 'otherName' | 'x400Address' | 'ediPartyName' | 'registeredID'>([
  [explicit(0), 'otherName'],
  [explicit(3), 'x400Address'],
  [explicit(5), 'ediPartyName'],
  [implicit(8), 'registeredID'],
])

/** Every GeneralName in a list. RFC 5280 wants at least one; responders with an empty subjectAltName are in use. */
export function readGeneralNames(list: Der): GeneralName[] {
  const names: GeneralName[] = []
  while (!list.done) {
    if (names.length >= MAX_GENERAL_NAMES)
      list.fail('too_many', `expected at most ${MAX_GENERAL_NAMES} names`)
    names.push(readGeneralName(list, names.length, [4, 16]))
  }
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
  const other = OTHER_FORMS.get(element.tag)
  if (other === undefined) return element.fail('unexpected_tag', 'expected a GeneralName')
  return { type: 'other', form: other }
}

/** ASCII without control characters: a NUL or line feed in a name has only ever been an attack. */
function printable(element: Der): string {
  const text = asciiText(element)
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
    case 'directory':
    case 'other':
      return undefined
  }
}
