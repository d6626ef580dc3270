// Serves the files of a folder, for bench/crlProbe.ts: in a process of its own, so that what it needs is not counted. Prints its port.
// Usage: crlServer FOLDER
import { createReadStream, statSync } from 'node:fs'
import { createServer } from 'node:http'
import { basename, join } from 'node:path'

const [folder = ''] = process.argv.slice(2)

const server = createServer((request, response) => {
  const file = join(folder, basename(request.url ?? ''))
  const { size, mtimeMs } = statSync(file)
  const etag = `"${mtimeMs.toString(16)}-${size.toString(16)}"`
  response.setHeader('etag', etag)
  response.setHeader('content-type', 'application/pkix-crl')
  if (request.headers['if-none-match'] === etag) {
    response.writeHead(304).end()
    return
  }
  response.setHeader('content-length', size)
  createReadStream(file, { highWaterMark: 256 * 1024 }).pipe(response)
})
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  console.log(typeof address === 'object' ? address?.port : '')
})
