// Lumberjack, version 2, as Beats and Logstash speak it. A window announces how many events follow; each event is a frame of JSON with its number in
// the window, alone or among others in a compressed frame; the number of the last one that is safe is acknowledged.
import { pipeline } from 'node:stream/promises'
import { createInflate } from 'node:zlib'
import { messageOf } from '../../../model/thrown.ts'
import { CollectorError } from '../../error.ts'
import { OctetReader } from './octets.ts'

const VERSION = 0x32 // '2'
const WINDOW = 0x57 // 'W'
const JSON_FRAME = 0x4a // 'J'
const COMPRESSED = 0x43 // 'C'
const ACK = 0x41 // 'A'

/** Events of one window. Filebeat sends 2,048 unless it is told otherwise. */
const MAX_WINDOW = 65_536
/** Octets of one event: a record of 512 KiB, each octet written as six, and what Filebeat says beside it. */
const MAX_EVENT_OCTETS = 4 * 1024 * 1024
/** Octets that a compressed frame may have, and unfold to: a window of long records. They are never held at once. */
const MAX_COMPRESSED_OCTETS = 256 * 1024 * 1024
const MAX_UNFOLDED_OCTETS = 1024 * 1024 * 1024

export type Frame =
  | { readonly kind: 'window'; readonly size: number }
  | { readonly kind: 'event'; readonly seq: number; readonly json: Buffer }

/** The frames of a connection, until it ends. Throws CollectorError(protocol_error) at the first octet that can't be meant. */
export async function* readFrames(octets: AsyncIterable<Uint8Array>): AsyncGenerator<Frame> {
  yield* frames(new OctetReader(octets), 'outer')
}

async function* frames(reader: OctetReader, place: 'outer' | 'compressed'): AsyncGenerator<Frame> {
  for (;;) {
    const header = await reader.read(2)
    if (header === undefined) return
    const [version, type] = header
    if (version !== VERSION) throw protocolError(`expected version 2, got octet ${version}`)
    if (type === JSON_FRAME) {
      const seq = await number(reader)
      const json = await exactly(reader, bounded(await number(reader), MAX_EVENT_OCTETS, 'an event'))
      yield { kind: 'event', seq, json }
    } else if (type === WINDOW && place === 'outer') {
      yield { kind: 'window', size: bounded(await number(reader), MAX_WINDOW, 'a window') }
    } else if (type === COMPRESSED && place === 'outer') {
      const length = bounded(await number(reader), MAX_COMPRESSED_OCTETS, 'a compressed frame')
      yield* frames(new OctetReader(inflated(reader.stream(length)), MAX_UNFOLDED_OCTETS), 'compressed')
    } else
      throw protocolError(
        `expected a frame, got type ${type} ${place === 'outer' ? '' : 'in a compressed one'}`,
      )
  }
}

async function* inflated(octets: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  const inflate = createInflate()
  // Rejects in the loop below as well.
  const feeding = pipeline(octets, inflate).catch(() => undefined)
  try {
    for await (const chunk of inflate) if (chunk instanceof Uint8Array) yield chunk
  } catch (error) {
    if (error instanceof CollectorError) throw error
    throw protocolError(`not zlib: ${messageOf(error)}`)
  }
  await feeding
}

async function number(reader: OctetReader): Promise<number> {
  return (await exactly(reader, 4)).readUInt32BE(0)
}

async function exactly(reader: OctetReader, length: number): Promise<Buffer> {
  const octets = await reader.read(length)
  if (octets === undefined) throw protocolError(`expected ${length} octets, got the end`)
  return octets
}

function bounded(value: number, limit: number, what: string): number {
  if (value <= limit) return value
  throw protocolError(`${what} of ${value}: more than ${limit}`)
}

/** Every event of the window up to and with this one is safe; 0 says only that somebody is there. */
export function ackFrame(seq: number): Buffer {
  const frame = Buffer.of(VERSION, ACK, 0, 0, 0, 0)
  frame.writeUInt32BE(seq, 2)
  return frame
}

export function protocolError(message: string): CollectorError {
  return new CollectorError('protocol_error', message)
}
