// What can go wrong between a right CRL and who fetches it.
import { gzipSync } from 'node:zlib'
import { onlyAt } from '../changes.ts'
import { ADMINISTRATORS } from '../ejbcaEvents.ts'
import { LabError } from '../error.ts'
import { toPem } from '../issue.ts'
import { TAKEN, type Reply, type ReplyChange } from '../reply.ts'
import { crlFault, deliveryFault, type CaFault } from './fault.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** Older than the lab's schedule allows, and not at its end. */
const OVERDUE_MS = 13 * HOUR_MS
/** Octets that a gzip bomb becomes; as many entries as make a CRL of 150 KB. */
const BOMB_OCTETS = 16 * 1024 * 1024
const MANY_ENTRIES = 5_000
/** Octets that an endless body is written in, and milliseconds between two octets of a drip. */
const CHUNK_OCTETS = 16 * 1024
const DRIP_MS = 20

const answers =
  (status: number): ReplyChange =>
  (reply) => ({ ...reply, status })

const says =
  (headers: Reply['headers']): ReplyChange =>
  (reply) => ({ ...reply, headers: { ...reply.headers, ...headers } })

/** Head and body of an answer as the change writes them, whatever the server would have done. */
const writes =
  (head: string, body: (write: (octets: Uint8Array | string) => boolean) => void): ReplyChange =>
  (_reply, { response }) => {
    const { socket } = response
    socket?.write(`HTTP/1.1 200 OK\r\nContent-Type: application/pkix-crl\r\n${head}\r\n\r\n`)
    body((octets) => socket?.write(octets) ?? false)
    return TAKEN
  }

export const DELIVERY_FAULTS: readonly CaFault[] = [
  deliveryFault({ id: 'crl-not-found', title: 'The distribution point answers 404' }, () => answers(404)),
  deliveryFault({ id: 'crl-server-error', title: 'The distribution point answers 503' }, () => answers(503)),
  deliveryFault(
    { id: 'crl-one-address-down', title: 'One node of the distribution point answers 503' },
    (_ca, { oneAddress }) => onlyAt(oneAddress, answers(503)),
  ),
  {
    id: 'crl-one-address-old',
    title: 'One node of the distribution point keeps an old CRL',
    group: 'delivery',
    target: 'ca',
    apply: async (ca, { repository, oneAddress }) => {
      const [part] = ca.authority.parts
      let old: Promise<Reply> | undefined
      const undo = repository.change(
        part.name,
        onlyAt(oneAddress, (reply) => (old ??= Promise.resolve(reply))),
      )
      await fetch(repository.urlOf(part.name).replace(/\/\/[^:/]+/, `//${oneAddress}`))
      await ca.distributionPoint.refresh(ADMINISTRATORS.scheduler)
      return undo
    },
  },
  {
    id: 'crl-cache-stuck',
    title: 'A cache in front serves an old CRL, whatever the CA issues',
    group: 'delivery',
    target: 'ca',
    apply: async ({ authority, distributionPoint }, { repository, now }) => {
      const [part] = authority.parts
      const old = await authority.pastCrl(part, now() - OVERDUE_MS)
      const undo = repository.change(part.name, (reply) => ({ ...reply, body: old }))
      return async () => {
        undo()
        await distributionPoint.refresh(ADMINISTRATORS.scheduler)
      }
    },
  },
  {
    id: 'crl-copy-old',
    title: 'A copy of the CRL under another name is not renewed with it',
    group: 'delivery',
    target: 'ca',
    apply: async (ca, { repository, oneAddress }) => {
      const [copy] = ca.authority.parts.flatMap(({ copies }) => copies)
      if (copy === undefined) throw new LabError('unknown_target', `${ca.id} publishes no copies`)
      let old: Promise<Reply> | undefined
      const undo = repository.change(copy, (reply) => (old ??= Promise.resolve(reply)))
      await fetch(repository.urlOf(copy).replace(/\/\/[^:/]+/, `//${oneAddress}`))
      await ca.distributionPoint.refresh(ADMINISTRATORS.scheduler)
      return undo
    },
  },
  deliveryFault(
    { id: 'crl-cached-past-end', title: 'Caches may keep the CRL past its nextUpdate' },
    (_ca, { now }) => says({ expires: new Date(now() + 30 * DAY_MS).toUTCString() }),
  ),
  deliveryFault({ id: 'crl-cached-long', title: 'Caches may hold a new CRL back for half a day' }, () =>
    says({ 'cache-control': `public, max-age=${(12 * HOUR_MS) / 1000}` }),
  ),
  deliveryFault({ id: 'crl-media-type', title: 'The CRL is served as text' }, () =>
    says({ 'content-type': 'text/plain' }),
  ),
  deliveryFault({ id: 'crl-pem', title: 'The CRL is served as PEM' }, () => (reply) => ({
    ...reply,
    body: Buffer.from(toPem(reply.body, 'X509 CRL')),
  })),
  deliveryFault({ id: 'crl-base64', title: 'The CRL is served as base64' }, () => (reply) => ({
    ...reply,
    body: Buffer.from(Buffer.from(reply.body).toString('base64')),
  })),
  crlFault({ id: 'crl-huge', title: 'The CRL has many more entries' }, (_ca, { now }) => (request) => ({
    ...request,
    revoked: [
      ...request.revoked,
      ...Array.from({ length: MANY_ENTRIES }, (_, i) => ({
        serial: (0x1000_0000 + i).toString(16),
        at: now() - DAY_MS,
      })),
    ],
  })),
  deliveryFault(
    { id: 'crl-redirect-loop', title: 'The distribution point redirects to itself' },
    () =>
      (reply, { request }) => ({
        ...reply,
        status: 302,
        headers: { location: request.url ?? '/' },
      }),
  ),
  deliveryFault(
    { id: 'crl-truncated', title: 'The CRL ends before its length' },
    () => (reply, exchange) =>
      writes(`Content-Length: ${reply.body.length}\r\nConnection: close`, (write) => {
        write(reply.body.subarray(0, -10))
        exchange.response.socket?.end()
      })(reply, exchange),
  ),
  deliveryFault({ id: 'crl-gzip-bomb', title: 'The CRL is compressed, and a bomb' }, () => (reply) => ({
    ...reply,
    headers: { ...reply.headers, 'content-encoding': 'gzip' },
    body: gzipSync(Buffer.alloc(BOMB_OCTETS)),
  })),
  deliveryFault(
    { id: 'crl-endless', title: 'The CRL has no end' },
    () => (reply, exchange) =>
      writes('Connection: close', (write) => {
        const { socket } = exchange.response
        const more = (): void => {
          while (socket?.destroyed === false && write(Buffer.alloc(CHUNK_OCTETS, 'x')));
        }
        socket?.on('drain', more)
        more()
      })(reply, exchange),
  ),
  deliveryFault(
    { id: 'crl-drip', title: 'The CRL comes one octet at a time' },
    () => (reply, exchange) =>
      writes(`Content-Length: ${reply.body.length}`, (write) => {
        let at = 0
        const timer = setInterval(() => write(reply.body.subarray(at, ++at)), DRIP_MS)
        exchange.response.socket?.once('close', () => clearInterval(timer))
      })(reply, exchange),
  ),
]
