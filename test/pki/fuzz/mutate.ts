import type { Random } from './random.ts'
import { encode, places, readElements } from './tree.ts'
import type { Element, LengthForm } from './tree.ts'

// What damage, sloppy encoders and attackers make of DER: changes of its structure, and of its octets.

/** Octets of one mutated input; what grows further is cut. */
const MAX_SIZE = 256 * 1024

export interface Mutated {
  readonly bytes: Uint8Array
  /** The names of what was done, for the report of a failure. */
  readonly changes: readonly string[]
}

const TAGS = [
  0, 1, 2, 3, 4, 5, 6, 9, 10, 12, 19, 20, 22, 23, 24, 28, 30, 0x1f, 0x24, 0x30, 0x31, 0x80, 0x81, 0x82, 0x86,
].concat([0x87, 0xa0, 0xa1, 0xa2, 0xa3, 0xa4, 0xbf, 0xff])
const LENGTH_FORMS: readonly LengthForm[] = ['long', 'more', 'less', 'indefinite', 'huge', 'reserved']
const CONTENTS = [
  [], [0], [0xff], [0, 0], [0, 0x7f], [0, 0x80], [0xff, 0x80], [0xff, 0x7f], [0x80], [0x80, 1], [0x7f, 0xff, 0xff, 0xff],
  [0x80, 0, 0, 0], [7, 0xff], [8, 0], Array<number>(21).fill(0x7f), Array<number>(200).fill(0xff), [0xc0, 0x80], [0xed, 0xa0, 0x80],
  [0, 10, 13, 0x1b], [0xe2, 0x80, 0xae], [0x2b, 6, 1, 4, 1], [0x55, 0x1d, 0x14], Array<number>(70).fill(0x81),
] // prettier-ignore
const TIMES = [
  '000101000000Z', '500101000000Z', '491231235959Z', '991231235959Z', '260229000000Z', '2601010000Z', '260101000000+0100',
  '261301000000Z', '260101240000Z', '260101006000Z', '260101000060Z', '00000101000000Z', '99991231235959Z', '20260101000000.5Z',
  '19491231235959Z', '20500101000000Z', '20240229000000Z', '2026010100000Z', '２０２６０１０１００００００Z', '-20260101000000Z',
] // prettier-ignore

type Change = (root: Element, random: Random, pool: readonly Element[]) => void

/** A random element, the outermost excepted. */
function place(
  root: Element,
  random: Random,
): { element: Element; siblings: Element[]; index: number } | undefined {
  const { element, siblings } = random.pick(places(root))
  return siblings === undefined ? undefined : { element, siblings, index: siblings.indexOf(element) }
}

const CHANGES: Readonly<Record<string, Change>> = {
  remove(root, random) {
    const at = place(root, random)
    at?.siblings.splice(at.index, 1)
  },
  repeat(root, random) {
    const at = place(root, random)
    if (at === undefined) return
    const most = Math.floor(MAX_SIZE / encode(at.element).length)
    const times = Math.min(random.pick([1, 1, 1, 2, 40, 1000]), most)
    at.siblings.splice(at.index, 0, ...Array<Element>(times).fill(at.element))
  },
  swap(root, random) {
    const at = place(root, random)
    const other = at === undefined ? 0 : random.int(at.siblings.length)
    const there = at?.siblings[other]
    if (at === undefined || there === undefined) return
    at.siblings[at.index] = there
    at.siblings[other] = at.element
  },
  splice(root, random, pool) {
    const at = place(root, random)
    if (at !== undefined) at.siblings[at.index] = random.pick(pool)
  },
  insert(root, random, pool) {
    const at = place(root, random)
    at?.siblings.splice(at.index, 0, random.pick(pool))
  },
  tag(root, random) {
    random.pick(places(root)).element.tag = random.pick(TAGS)
  },
  length(root, random) {
    random.pick(places(root)).element.lengthForm = random.pick(LENGTH_FORMS)
  },
  content(root, random) {
    random.pick(places(root)).element.content = Uint8Array.from(random.pick(CONTENTS))
  },
  noise(root, random) {
    random.pick(places(root)).element.content = random.bytes(random.int(40))
  },
  bit(root, random) {
    const leaves = places(root).flatMap(({ element }) =>
      element.content instanceof Uint8Array && element.content.length > 0
        ? [{ element, octets: element.content }]
        : [],
    )
    if (leaves.length === 0) return
    const { element, octets } = random.pick(leaves)
    const changed = Uint8Array.from(octets)
    const at = random.int(changed.length)
    changed[at] = (changed[at] ?? 0) ^ (1 << random.int(8))
    element.content = changed
  },
  time(root, random) {
    const times = places(root).filter(({ element }) => element.tag === 0x17 || element.tag === 0x18)
    if (times.length === 0) return
    const { element } = random.pick(times)
    element.content = Buffer.from(random.pick(TIMES))
    if (random.int(2) === 0) element.tag = random.pick([0x17, 0x18])
  },
  nest(root, random) {
    const { element } = random.pick(places(root))
    const tag = random.pick([0x30, 0x31, 0xa0, 0x04])
    for (let depth = random.pick([1, 2, 20, 40, 300]); depth > 0; depth--) {
      element.content = [{ ...element }]
      element.tag = tag
      element.prefix = new Uint8Array()
      element.lengthForm = 'der'
    }
  },
}
const NAMES = Object.keys(CHANGES)

/** Changes octets without regard to structure. */
function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const from = random.int(bytes.length + 1)
  const to = Math.min(bytes.length, from + 1 + random.int(40))
  const before = bytes.subarray(0, from)
  switch (random.int(5)) {
    case 0:
      return before
    case 1:
      return Buffer.concat([bytes, random.bytes(1 + random.int(20))])
    case 2:
      return Buffer.concat([before, bytes.subarray(to)])
    case 3:
      return Buffer.concat([before, random.bytes(to - from), bytes.subarray(to)])
    default:
      return Buffer.concat([before, bytes.subarray(random.int(bytes.length + 1), to), bytes.subarray(from)])
  }
}

/** The elements of all seeds: what may be put in the place of another. */
export function poolOf(seeds: readonly Uint8Array[]): Element[] {
  return seeds.flatMap((seed) =>
    (readElements(seed) ?? []).flatMap((root) => places(root).map(({ element }) => element)),
  )
}

/** `seed` with 1 to 4 changes; `pool` is left as it is. */
export function mutate(seed: Uint8Array, random: Random, pool: readonly Element[]): Mutated {
  const changes: string[] = []
  let bytes = seed
  const [root] = readElements(seed) ?? []
  if (root !== undefined && random.int(8) !== 0) {
    for (let n = 1 + random.int(3); n > 0; n--) {
      const name = random.pick(NAMES)
      changes.push(name)
      CHANGES[name]?.(root, random, [copy(random.pick(pool))])
    }
    bytes = encode(root)
  }
  if (changes.length === 0 || random.int(6) === 0) {
    changes.push('damage')
    bytes = damage(bytes, random)
  }
  return { bytes: bytes.subarray(0, MAX_SIZE), changes }
}

/** Later changes of the input must not reach the pool. */
function copy(element: Element): Element {
  const { content } = element
  return { ...element, content: content instanceof Uint8Array ? content : content.map(copy) }
}
