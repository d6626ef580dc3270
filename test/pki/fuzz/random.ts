/** A source of pseudo-random numbers that the same seed and index always give again (sfc32). */
export interface Random {
  /** An integer from 0 to `below` - 1. */
  int(below: number): number
  /** One of the list, which must not be empty. */
  pick<T>(list: readonly T[]): T
  bytes(length: number): Uint8Array
}

export function randomOf(seed: number, index: number): Random {
  let a = seed | 0
  let b = index | 0
  let c = Math.trunc(index / 0x1_0000_0000) | 0
  let counter = 1
  const next = (): number => {
    const t = (((a + b) | 0) + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + t) | 0
    return t >>> 0
  }
  // Neighbouring indices start alike and must not stay so.
  for (let i = 0; i < 15; i++) next()
  const int = (below: number): number => Math.floor((next() / 0x1_0000_0000) * below)
  return {
    int,
    pick(list) {
      const item = list[int(list.length)]
      if (item === undefined) throw new Error('pick: expected a list that is not empty')
      return item
    },
    bytes: (length) => Uint8Array.from({ length }, () => int(256)),
  }
}
