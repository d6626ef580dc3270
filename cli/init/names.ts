import { ID_PATTERN } from '../../model/subject.ts'

/** Characters of an id that is made from a name; what is longer is hard to read in a finding. */
const MAX_ID = 40

/** Ids for the inventory, each once, made from names that anybody may have chosen. */
export class Ids {
  readonly #taken = new Set<string>()

  /** Letters, digits, `.` and `-` of the text, in lower case; `fallback` where there are none. */
  make(text: string, fallback: string): string {
    const slug = text
      .normalize('NFKD')
      .toLowerCase()
      .replace(/[^a-z0-9.]+|\.{2,}/g, '-')
      .replace(/[-.]{2,}/g, '-')
      .slice(0, MAX_ID)
      .replace(/^[-.]+|[-.]+$/g, '')
    const base = ID_PATTERN.test(slug) ? slug : fallback
    let id = base
    for (let n = 2; this.#taken.has(id); n++) id = `${base}-${n}`
    this.#taken.add(id)
    return id
  }
}

/** The common name in an RFC 4514 text, else the whole. */
export function commonName(subject: string): string {
  const found = /(?:^|[,+])CN=((?:\\.|[^\\,+])*)/.exec(subject)?.[1]
  return found?.replaceAll('\\', '') ?? subject
}
