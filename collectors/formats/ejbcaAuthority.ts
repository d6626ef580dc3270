import type { KnownAuthority } from '../format.ts'

/** Java's String.hashCode; EJBCA's CA id is that of the CA's subject as it prints it. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i++) hash = (Math.imul(31, hash) + text.charCodeAt(i)) | 0
  return hash
}

/** The parts of a name in RFC 4514, split at unescaped commas. */
function nameParts(name: string): string[] {
  return name.match(/(?:\\.|[^\\,])+/gs) ?? []
}

/** EJBCA prints names beginning with CN, whatever order the certificate has. */
function inBothOrders(subject: string): string[] {
  return [subject, nameParts(subject).reverse().join(',')]
}

type Index = ReadonlyMap<string, string>
const indexes = new WeakMap<readonly KnownAuthority[], Index>()

/** EJBCA's CA ids and names of the authorities, to their ids in the inventory. */
function indexOf(authorities: readonly KnownAuthority[]): Index {
  let index = indexes.get(authorities)
  if (index === undefined) {
    index = new Map(
      authorities.flatMap(({ id, subject }) =>
        inBothOrders(subject).flatMap((name) => [
          [String(javaHashCode(name)), id] as const,
          [name, id] as const,
        ]),
      ),
    )
    indexes.set(authorities, index)
  }
  return index
}

/**
 * Id in the inventory of the CA that a line is about: by the CA id, else by the subject in its text. undefined: it is none
 * of the declared ones, or its subject prints differently in EJBCA.
 */
export function authorityId(
  authorities: readonly KnownAuthority[],
  customId: string,
  subject: string | undefined,
): string | undefined {
  const index = indexOf(authorities)
  return index.get(customId) ?? (subject === undefined ? undefined : index.get(subject))
}
