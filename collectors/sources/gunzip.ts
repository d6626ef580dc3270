import { createGunzip } from 'node:zlib'
import { pipeline } from 'node:stream/promises'

const MAGIC = [0x1f, 0x8b] as const

/** Whether these are the first octets of a gzip file (RFC 1952 2.3.1). */
function isGzip(beginning: Uint8Array): boolean {
  return beginning[0] === MAGIC[0] && beginning[1] === MAGIC[1]
}

/**
 * The octets as they were before gzip, if they were gzipped. Never more at once than zlib's buffer, however much a small input unfolds to.
 * Rejects at what is no gzip after all, or ends too early.
 */
export async function* readable(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const source = chunks[Symbol.asyncIterator]()
  let beginning = new Uint8Array(0)
  for (;;) {
    const next = await source.next()
    if (next.done !== true) beginning = Buffer.concat([beginning, next.value])
    if (next.done === true || beginning.length >= MAGIC.length) break
  }
  async function* all(): AsyncGenerator<Uint8Array> {
    if (beginning.length > 0) yield beginning
    yield* { [Symbol.asyncIterator]: () => source }
  }
  if (!isGzip(beginning)) {
    yield* all()
    return
  }
  const gunzip = createGunzip()
  // Rejects in the loop below as well, where what was read before is not lost.
  const feeding = pipeline(all(), gunzip).catch(() => undefined)
  for await (const chunk of gunzip) if (chunk instanceof Uint8Array) yield chunk
  await feeding
}
