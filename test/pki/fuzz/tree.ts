// DER as a tree that can be changed and written again, right or wrong. Deliberately not the product's reader: it takes anything.

/** How the length octets are written; `der` is right, the others are what a hostile encoder does. */
export type LengthForm = 'der' | 'long' | 'more' | 'less' | 'indefinite' | 'huge' | 'reserved'

export interface Element {
  tag: number
  lengthForm: LengthForm
  /** Octets before the children: the count of unused bits, where a BIT STRING holds DER. */
  prefix: Uint8Array
  content: Uint8Array | Element[]
}

const OCTET_STRING = 0x04
const BIT_STRING = 0x03
/** Levels that are opened; what is deeper stays octets. */
const MAX_DEPTH = 40

/** The elements that fill `bytes` exactly; undefined when they do not. */
export function readElements(bytes: Uint8Array, depth = 0): Element[] | undefined {
  const elements: Element[] = []
  for (let at = 0; at < bytes.length;) {
    const tag = bytes[at] ?? 0
    const first = bytes[at + 1]
    if (first === undefined || (tag & 0x1f) === 0x1f || first === 0x80 || first > 0x84) return undefined
    const count = first < 0x80 ? 0 : first & 0x7f
    let length = first
    if (count > 0) {
      length = 0
      for (const octet of bytes.subarray(at + 2, at + 2 + count)) length = length * 256 + octet
    }
    const content = at + 2 + count
    if (content + length > bytes.length) return undefined
    elements.push(readElement(tag, bytes.subarray(content, content + length), depth))
    at = content + length
  }
  return elements
}

function readElement(tag: number, value: Uint8Array, depth: number): Element {
  const prefix = tag === BIT_STRING ? value.subarray(0, 1) : new Uint8Array()
  const mayHoldDer = (tag & 0x20) !== 0 || tag === OCTET_STRING || tag === BIT_STRING
  const inner = value.subarray(prefix.length)
  const children =
    depth < MAX_DEPTH && mayHoldDer && inner.length > 1 ? readElements(inner, depth + 1) : undefined
  return children === undefined
    ? { tag, lengthForm: 'der', prefix: new Uint8Array(), content: value }
    : { tag, lengthForm: 'der', prefix, content: children }
}

export function encode(element: Element): Uint8Array {
  const { content, prefix, tag, lengthForm } = element
  const body =
    content instanceof Uint8Array
      ? Buffer.concat([prefix, content])
      : Buffer.concat([prefix, ...content.map(encode)])
  const end = lengthForm === 'indefinite' ? [0, 0] : []
  return Buffer.concat([
    Uint8Array.of(tag, ...lengthOctets(body.length, lengthForm)),
    body,
    Uint8Array.from(end),
  ])
}

function lengthOctets(length: number, form: LengthForm): number[] {
  switch (form) {
    case 'der':
      return shortest(length)
    case 'long':
      return [0x84, ...[24, 16, 8, 0].map((shift) => (length >>> shift) & 0xff)]
    case 'more':
      return shortest(length + 1)
    case 'less':
      return shortest(Math.max(0, length - 1))
    case 'indefinite':
      return [0x80]
    case 'huge':
      return [0x88, ...Array<number>(8).fill(0xff)]
    case 'reserved':
      return [0xff]
  }
}

function shortest(length: number): number[] {
  if (length < 0x80) return [length]
  const octets: number[] = []
  for (let rest = length; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest & 0xff)
  return [0x80 | octets.length, ...octets]
}

/** Every element below `root`, itself included, with the list that it stands in. */
export function places(root: Element): { element: Element; siblings: Element[] | undefined }[] {
  const found: { element: Element; siblings: Element[] | undefined }[] = []
  const visit = (element: Element, siblings: Element[] | undefined): void => {
    found.push({ element, siblings })
    if (!(element.content instanceof Uint8Array))
      for (const child of element.content) visit(child, element.content)
  }
  visit(root, undefined)
  return found
}
