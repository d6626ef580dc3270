import { JournalError } from './error.ts'

/** Deepest nesting that is written or accepted; what vigil records is under ten levels. */
export const MAX_DEPTH = 64

/**
 * JSON in canonical form (RFC 8785): one spelling for one value, so that its digest means the value.
 * Object members that are undefined are left out, as JSON.stringify does. Throws JournalError(invalid_record) on what JSON
 * can't hold exactly: numbers that are not finite, integers beyond 2^53 (write them as strings), lone surrogates,
 * undefined in a list, functions, symbols, bigints, instances of classes.
 */
export function canonicalize(value: unknown): string {
  return stringified(value) ?? write(value, 0)
}

/** A finite number as RFC 8785 section 3.2.2.3 writes it, which is what ECMAScript does. */
export function canonicalNumber(value: number): string {
  return String(value === 0 ? 0 : value)
}

/**
 * The native serializer writes values as RFC 8785 does, several times faster than the code below, once members are in order.
 * undefined when it would not: some names are always put first by JavaScript objects, and lone surrogates are escaped.
 */
function stringified(value: unknown): string | undefined {
  const ordered = inOrder(value, 0)
  if (ordered === UNORDERABLE) return undefined
  const text = JSON.stringify(ordered)
  return text.includes('\\ud') ? undefined : text
}

const UNORDERABLE = Symbol('unorderable')
const ALWAYS_FIRST = /^(?:0|[1-9]\d*)$|^__proto__$/

/** The value itself where all its members are in order, else a copy. Throws as canonicalize does, but for surrogates. */
function inOrder(value: unknown, depth: number): unknown {
  if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
  if (typeof value !== 'object') return checkedNumber(value)
  if (depth === MAX_DEPTH) throw refused(`at most ${MAX_DEPTH} levels of nesting`, 'more')
  if (Array.isArray(value)) return listInOrder(value, depth + 1)
  checkPlain(value)
  return objectInOrder(value, depth + 1)
}

function listInOrder(list: readonly unknown[], depth: number): unknown {
  let copy: unknown[] | undefined
  for (let i = 0; i < list.length; i++) {
    const item = inOrder(list[i], depth)
    if (item === UNORDERABLE) return UNORDERABLE
    if (item !== list[i]) copy ??= list.slice(0, i)
    copy?.push(item)
  }
  return copy ?? list
}

function objectInOrder(object: object, depth: number): unknown {
  const members = object as Readonly<Record<string, unknown>>
  const names = Object.keys(object)
  let changed = false
  for (let i = 0; i < names.length; i++) {
    const name = names[i] ?? ''
    if (i > 0 && name < (names[i - 1] ?? '')) changed = true
    if (ALWAYS_FIRST.test(name)) return UNORDERABLE
  }
  if (changed) names.sort()
  const copy: Record<string, unknown> = {}
  for (const name of names) {
    const member = members[name]
    if (member === undefined) continue
    const item = inOrder(member, depth)
    if (item === UNORDERABLE) return UNORDERABLE
    if (item !== member) changed = true
    copy[name] = item
  }
  return changed ? copy : object
}

/** The same, member by member. */
function write(value: unknown, depth: number): string {
  if (typeof value === 'string') return quote(value)
  if (typeof value === 'boolean' || value === null) return String(value)
  if (typeof value !== 'object') return canonicalNumber(checkedNumber(value))
  if (depth === MAX_DEPTH) throw refused(`at most ${MAX_DEPTH} levels of nesting`, 'more')
  if (Array.isArray(value)) return `[${value.map((item: unknown) => write(item, depth + 1)).join()}]`
  checkPlain(value)
  // Members are sorted by UTF-16 code units (RFC 8785 section 3.2.3), which is how strings are compared.
  const members = Object.entries(value)
    .filter(([, member]) => member !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, member]) => `${quote(name)}:${write(member, depth + 1)}`)
  return `{${members.join()}}`
}

function quote(text: string): string {
  if (!text.isWellFormed()) throw refused('well-formed Unicode', 'a lone surrogate')
  return JSON.stringify(text)
}

function checkedNumber(value: unknown): number {
  if (typeof value !== 'number') throw refused('a JSON value', typeof value)
  if (!Number.isFinite(value)) throw refused('a finite number', String(value))
  if (Number.isInteger(value) && !Number.isSafeInteger(value))
    throw refused('an integer within 2^53 (larger ones are written as strings)', String(value))
  return value
}

function checkPlain(value: object): void {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== Object.prototype && prototype !== null)
    throw refused('a plain object', `an instance of ${value.constructor.name}`)
}

function refused(expected: string, got: string): JournalError {
  return new JournalError('invalid_record', { expected, got })
}
