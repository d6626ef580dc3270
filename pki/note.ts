/**
 * What was accepted although DER (X.690 sections 10 and 11) or RFC 5280 forbids it; docs/verification.md explains each.
 * The first group is only accepted when the caller asked for BER.
 */
export const NOTE_CODES = [
  'indefinite_length',
  'long_length',
  'constructed_string',
  'boolean_value',
  'long_integer',
  'padding_bits',
  'time_without_seconds',
  'time_offset',
  'time_fraction',
  'time_year',
  'duplicate_extension',
  'reason_code',
  'negative_number',
  // Always accepted: real objects do it, and it can only mean one thing.
  'default_written',
  'set_unsorted',
  'empty_list',
  'null_missing',
  'character_set',
  'generalized_time',
  'trailing_zero_bits',
] as const
export type NoteCode = (typeof NOTE_CODES)[number]

/** One such place. */
export interface Note {
  readonly code: NoteCode
  /** The field as the RFC names it. */
  readonly path: string
  /** Octets from the start of the object. */
  readonly offset: number
}

/** Notes of one code in one object; further ones say nothing new, and a CRL can have millions. */
const MAX_OF_CODE = 4

/** Notes of one object. Nothing is allocated before the first. */
export class Notes {
  #list: Note[] | undefined

  get list(): readonly Note[] {
    return this.#list ?? NONE
  }

  /** `path` is only asked for when the note is kept. */
  add(code: NoteCode, offset: number, path: () => string): void {
    const list = (this.#list ??= [])
    let same = 0
    for (const note of list) if (note.code === code) same++
    if (same < MAX_OF_CODE) list.push({ code, path: path(), offset })
  }
}

const NONE: readonly Note[] = []
