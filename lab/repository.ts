// The HTTP repository of CRLs and CA certificates: files in a directory, replaced atomically, served with validators.
import { createHash } from 'node:crypto'
import { mkdir, readFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { extname, join } from 'node:path'
import { LabError } from './error.ts'
import { send, serveHttp, type HttpServer } from './http.ts'

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.crl': 'application/pkix-crl', // RFC 5280 section 4.2.1.13, RFC 2585
  '.cer': 'application/pkix-cert',
}

export interface Repository {
  urlOf(name: string): string
  /** Replaces what is served under this name. `at`: milliseconds, becomes Last-Modified. */
  publish(name: string, bytes: Uint8Array, at: number): Promise<void>
  close(): Promise<void>
}

export async function startRepository(directory: string): Promise<Repository> {
  await mkdir(directory, { recursive: true })
  const published = new Set<string>()
  let writes = 0
  const server: HttpServer = await serveHttp(async (request, response) => {
    const name = new URL(request.url ?? '/', 'http://repository').pathname.slice(1)
    if (request.method !== 'GET' && request.method !== 'HEAD') {
      send(response, 405, { allow: 'GET, HEAD' })
      return
    }
    if (!published.has(name)) throw new LabError('not_found', `nothing is published as /${name}`)
    await serveFile(join(directory, name), request, response)
  })
  return {
    urlOf: (name) => `${server.url}/${name}`,
    async publish(name, bytes, at) {
      writes += 1
      const temporary = join(directory, `.${name}.${writes}`)
      await writeFile(temporary, bytes)
      await utimes(temporary, at / 1000, at / 1000)
      await rename(temporary, join(directory, name))
      published.add(name)
    },
    close: () => server.close(),
  }
}

async function serveFile(file: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [bytes, { mtimeMs }] = await Promise.all([readFile(file), stat(file)])
  const modified = Math.floor(mtimeMs / 1000) * 1000
  const headers = {
    'content-type': MEDIA_TYPES[extname(file)] ?? 'application/octet-stream',
    etag: `"${createHash('sha256').update(bytes).digest('hex').slice(0, 32)}"`,
    'last-modified': new Date(modified).toUTCString(),
  }
  if (isUnchanged(request, headers.etag, modified)) {
    response.writeHead(304, headers).end()
    return
  }
  if (request.method === 'HEAD') {
    response.writeHead(200, { ...headers, 'content-length': String(bytes.length) }).end()
    return
  }
  send(response, 200, headers, bytes)
}

/** RFC 9110 section 13.2.2: If-None-Match decides when it is there. */
function isUnchanged(request: IncomingMessage, etag: string, modified: number): boolean {
  const tags = request.headers['if-none-match']
  if (tags !== undefined) return tags === '*' || tags.split(/\s*,\s*/).includes(etag)
  const since = request.headers['if-modified-since']
  return since !== undefined && modified <= Date.parse(since)
}
