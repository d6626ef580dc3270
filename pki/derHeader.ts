import type { PkiErrorCode } from './error.ts'
import type { NoteCode } from './note.ts'

// Where an element begins and ends (X.690 8.1.2, 8.1.3, 10.1).

/** Identifier octet: the encoding is constructed. */
export const CONSTRUCTED = 0x20
/** Levels of nesting. The deepest that is really written, a directory name in a distribution point of a certificate, needs 15. */
export const MAX_DEPTH = 32

/** Identifier octet of an element, and its offsets: of the first octet, of the content, and behind the content. */
export interface Header {
  readonly tag: number
  readonly start: number
  readonly content: number
  readonly end: number
}

/** What the readers of headers and contents need of the cursor: octets, and how to say what is wrong with them. */
export interface Element extends Header {
  readonly bytes: Uint8Array
  /** The content octets. */
  readonly value: Uint8Array
  readonly isBer: boolean
  fail(code: PkiErrorCode, message: string, offset?: number): never
  note(code: NoteCode): void
  /** For the field `name` inside this element. */
  failIn(name: string | number, code: PkiErrorCode, message: string, offset?: number): never
  noteIn(name: string | number, code: NoteCode, offset: number): void
}

/**
 * Identifier and length octets at `start` in the content of `parent`; `name`: of the field, for errors. With BER lengths may be longer than
 * need be, or indefinite. Throws PkiError(decode).
 */
export function readHeader(parent: Element, start: number, name: string | number): Header {
  const { bytes } = parent
  const tag = bytes[start]
  const first = bytes[start + 1]
  if (tag === undefined || start + 2 > parent.end || first === undefined) {
    return parent.failIn(name, 'truncated', 'expected a tag and a length, got the end', start)
  }
  if ((tag & 0x1f) === 0x1f) parent.failIn(name, 'unexpected_tag', 'expected a tag number below 31', start)
  if (tag === 0) parent.failIn(name, 'unexpected_tag', 'expected an element, got end-of-contents', start)
  let length = first
  let content = start + 2
  if (first === 0x80) {
    if (!parent.isBer || (tag & CONSTRUCTED) === 0) {
      parent.failIn(name, 'indefinite_length', 'expected a definite length, got 80', start + 1)
    }
    parent.noteIn(name, 'indefinite_length', start)
    return { tag, start, content, end: endOfContents(parent, content, name) }
  }
  if (first > 0x80) {
    const count = first & 0x7f
    if (count > 4) {
      parent.failIn(name, 'bad_length', `expected a length of at most 4 octets, got ${count}`, start + 1)
    }
    content += count
    if (content > parent.end) parent.failIn(name, 'truncated', 'expected a length, got the end', start + 1)
    length = 0
    for (let i = start + 2; i < content; i++) length = length * 256 + (bytes[i] ?? 0)
    if (length < 0x80 || bytes[start + 2] === 0) {
      if (!parent.isBer) {
        parent.failIn(name, 'bad_length', 'expected the shortest encoding of the length', start + 1)
      }
      parent.noteIn(name, 'long_length', start)
    }
  }
  const end = content + length
  if (end > parent.end) {
    const message = `expected at most ${parent.end - content} octets of content, got a length of ${length}`
    parent.failIn(name, 'truncated', message, start)
  }
  return { tag, start, content, end }
}

/**
 * Where the content of an element of indefinite length that begins at `from` ends: before the first end-of-contents octets that belong to it
 * (X.690 8.1.5). Elements of definite length are stepped over, so that all levels together read at most `MAX_DEPTH` times the object.
 */
function endOfContents(parent: Element, from: number, name: string | number): number {
  const { bytes, end } = parent
  let at = from
  for (let open = 1; ;) {
    const tag = bytes[at]
    const first = bytes[at + 1]
    if (tag === undefined || first === undefined || at + 2 > end) {
      return parent.failIn(name, 'truncated', 'expected end-of-contents octets, got the end', from)
    }
    if (tag === 0 && first === 0) {
      if (--open === 0) return at
      at += 2
    } else if (first === 0x80) {
      if (++open > MAX_DEPTH) {
        parent.failIn(name, 'too_deep', `expected at most ${MAX_DEPTH} levels of nesting`, at)
      }
      at += 2
    } else {
      const count = first > 0x80 ? first & 0x7f : 0
      if (count > 4) {
        parent.failIn(name, 'bad_length', `expected a length of at most 4 octets, got ${count}`, at + 1)
      }
      let length = count === 0 ? first : 0
      for (let i = 0; i < count; i++) length = length * 256 + (bytes[at + 2 + i] ?? 0)
      at += 2 + count + length
    }
  }
}
