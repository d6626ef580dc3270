// The HTTP repository of CRLs and CA certificates: files in a directory, replaced atomically, served with validators.
import { mkdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { extname, join } from 'node:path'
import { send, serveHttp } from './http.ts'
import { ReplyChanges, type Reply, type ReplyChange } from './reply.ts'

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.crl': 'application/pkix-crl', // RFC 5280 section 4.2.1.13, RFC 2585
  '.cer': 'application/pkix-cert',
}

export interface Repository {
  readonly urlOf: (name: string) => string
  /** Replaces what is served under this name. `at`: milliseconds, becomes Last-Modified. */
  publish(name: string, bytes: Uint8Array, at: number): Promise<void>
  /** What is answered for this name, published or not, from now on; returns what takes it back. */
  change(name: string, change: ReplyChange): () => void
  close(): Promise<void>
}

export async function startRepository(options: {
  directory: string
  addresses: readonly string[]
  /** In URLs. */
  host: string
}): Promise<Repository> {
  const { directory, addresses, host } = options
  await mkdir(directory, { recursive: true })
  const published = new Set<string>()
  const changes = new Map<string, ReplyChanges>()
  const changesOf = (name: string) => {
    const own = changes.get(name) ?? new ReplyChanges()
    changes.set(name, own)
    return own
  }
  let writes = 0
  const server = await serveHttp(
    async (request, response, address) => {
      const name = new URL(request.url ?? '/', 'http://repository').pathname.slice(1)
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        send(response, 405, { allow: 'GET, HEAD' })
        return
      }
      const reply = published.has(name) ? await fileReply(join(directory, name)) : NOT_FOUND
      // Names that nobody asked to change are many, hostile ones too: no list is kept for them.
      const own = changes.get(name) ?? new ReplyChanges()
      await own.send(reply, { request, response, address })
    },
    0,
    addresses,
  )
  return {
    urlOf: (name) => `http://${host}:${server.port}/${name}`,
    async publish(name, bytes, at) {
      writes += 1
      const temporary = join(directory, `.${name}.${writes}`)
      await writeFile(temporary, bytes)
      await utimes(temporary, at / 1000, at / 1000)
      await rename(temporary, join(directory, name))
      published.add(name)
    },
    change: (name, change) => changesOf(name).add(change),
    close: () => server.close(),
  }
}

const NOT_FOUND: Reply = {
  status: 404,
  headers: { 'content-type': 'text/plain' },
  body: Buffer.from('nothing is published here\n'),
}

async function fileReply(file: string): Promise<Reply> {
  const [bytes, { mtimeMs }] = await Promise.all([readFile(file), stat(file)])
  const modified = Math.floor(mtimeMs / 1000) * 1000
  return {
    status: 200,
    headers: {
      'content-type': MEDIA_TYPES[extname(file)] ?? 'application/octet-stream',
      'last-modified': new Date(modified).toUTCString(),
    },
    body: bytes,
  }
}
