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
  return write(value, 0)
}

/** A number as RFC 8785 section 3.2.2.3 writes it, which is what ECMAScript does. */
export function canonicalNumber(value: number): string {
  if (!Number.isFinite(value)) throw refused('a finite number', String(value))
  return String(value === 0 ? 0 : value)
}

function write(value: unknown, depth: number): string {
  switch (typeof value) {
    case 'string':
      return quote(value)
    case 'number':
      if (Number.isInteger(value) && !Number.isSafeInteger(value))
        throw refused('an integer within 2^53 (larger ones are written as strings)', `${value}`)
      return canonicalNumber(value)
    case 'boolean':
      return value ? 'true' : 'false'
    case 'object':
      if (value === null) return 'null'
      if (depth === MAX_DEPTH) throw refused(`at most ${MAX_DEPTH} levels of nesting`, 'more')
      return Array.isArray(value) ? writeList(value, depth + 1) : writeObject(value, depth + 1)
    case 'undefined':
    case 'function':
    case 'symbol':
    case 'bigint':
      throw refused('a JSON value', typeof value)
  }
}

function writeList(list: readonly unknown[], depth: number): string {
  let text = '['
  for (let i = 0; i < list.length; i++) text += (i === 0 ? '' : ',') + write(list[i], depth)
  return text + ']'
}

function writeObject(object: object, depth: number): string {
  const prototype: unknown = Object.getPrototypeOf(object)
  if (prototype !== Object.prototype && prototype !== null)
    throw refused('a plain object', `an instance of ${object.constructor.name}`)
  let text = '{'
  // Members are sorted by UTF-16 code units (RFC 8785 section 3.2.3), which is how sort() compares strings.
  for (const [name, member] of Object.entries(object).sort(byName)) {
    if (member === undefined) continue
    text += (text.length === 1 ? '' : ',') + quote(name) + ':' + write(member, depth)
  }
  return text + '}'
}

function byName(a: readonly [string, unknown], b: readonly [string, unknown]): number {
  return a[0] < b[0] ? -1 : 1
}

function quote(text: string): string {
  if (!text.isWellFormed()) throw refused('well-formed Unicode', 'a lone surrogate')
  return JSON.stringify(text)
}

function refused(expected: string, got: string): JournalError {
  return new JournalError('invalid_record', { expected, got })
}
