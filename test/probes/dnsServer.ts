import { createSocket } from 'node:dgram'
import { isIP } from 'node:net'
import type { TestContext } from 'node:test'

const TYPE = { A: 1, AAAA: 28 } as const
const CODE = { SERVFAIL: 2, NXDOMAIN: 3 } as const

/** Addresses of each name, or a failure; `silence` is never answered, other names are NXDOMAIN. */
export type Zone = Readonly<Record<string, readonly string[] | 'SERVFAIL' | 'silence'>>

/** A DNS server on the loopback that knows just this zone; gone after the test. Returns `address:port`. */
export async function serveDns(t: TestContext, zone: Zone): Promise<string> {
  const socket = createSocket('udp4')
  socket.on('message', (query, peer) => {
    const { name, type, end } = readQuestion(query)
    const known = zone[name]
    if (known === 'silence') return
    const addresses =
      known === undefined || known === 'SERVFAIL'
        ? []
        : known.filter((a) => (isIP(a) === 4 ? TYPE.A : TYPE.AAAA) === type)
    const code = known === undefined ? CODE.NXDOMAIN : known === 'SERVFAIL' ? CODE.SERVFAIL : 0
    const header = Buffer.alloc(12)
    query.copy(header, 0, 0, 2)
    header.writeUInt16BE(0x8180 | code, 2)
    header.writeUInt16BE(1, 4)
    header.writeUInt16BE(addresses.length, 6)
    const answers = addresses.map((address) => {
      const data = octetsOf(address)
      const record = Buffer.alloc(12)
      record.writeUInt16BE(0xc00c, 0) // the name of the question
      record.writeUInt16BE(type, 2)
      record.writeUInt16BE(1, 4)
      record.writeUInt32BE(1, 6)
      record.writeUInt16BE(data.length, 10)
      return Buffer.concat([record, data])
    })
    socket.send(Buffer.concat([header, query.subarray(12, end), ...answers]), peer.port, peer.address)
  })
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
  t.after(() => socket.close())
  return `127.0.0.1:${socket.address().port}`
}

function readQuestion(query: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = []
  let at = 12
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString('latin1', at + 1, at + 1 + length))
    at += 1 + length
  }
  return { name: labels.join('.').toLowerCase(), type: query.readUInt16BE(at + 1), end: at + 5 }
}

/** IPv6 only as `::n`. */
function octetsOf(address: string): Buffer {
  if (isIP(address) === 4) return Buffer.from(address.split('.').map(Number))
  const octets = Buffer.alloc(16)
  octets[15] = parseInt(address.replace('::', ''), 16)
  return octets
}
