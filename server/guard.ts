import { isIP } from 'node:net'
import type { Socket } from 'node:net'
import type { RequestHandler } from 'express'
import { ServerError } from './error.ts'

/** `host:port`, an IPv6 host in brackets: how `server.listen` is written. Throws ServerError. */
export function parseListen(listen: string): { host: string; port: number } {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]/\s]+):(\d{1,5})$/.exec(listen)
  const port = Number(match?.[2])
  if (match?.[1] === undefined || port > 65_535)
    throw new ServerError('bad_request', `expected host:port to listen on, got ${JSON.stringify(listen)}`)
  return { host: match[1].replace(/^\[|\]$/g, ''), port }
}

/**
 * Refuses what a page of another site could make a browser send here.
 *
 * Host: DNS rebinding points a foreign name at our address, and the browser then takes us for that site. So the Host header must be
 * the name that we were told to listen on, `localhost`, or the address at which the connection arrived (a rebound name is never an
 * address), with the right port; or one of `allowedHosts` to the letter (lower case, with the port if the Host header has one).
 * Origin: when a browser sends one, it must be our own.
 * Method: everything here is read-only.
 */
export function guard(listenHost: string, allowedHosts: readonly string[] = []): RequestHandler {
  const names = new Set(allowedHosts)
  // What stands before us under that name may do TLS, so that browsers see https.
  const origins = new Set(allowedHosts.flatMap((name) => [`http://${name}`, `https://${name}`]))
  return (request, _response, next) => {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new ServerError('method_not_allowed', `expected GET or HEAD, got ${request.method}`)
    const { host, origin } = request.headers
    if (!names.has(host?.toLowerCase() ?? '') && !isOurs(`http://${host ?? ''}`, listenHost, request.socket))
      throw new ServerError(
        'wrong_host',
        `expected the Host that this server listens on, or one of server.allowed_hosts, got ${JSON.stringify(host)}`,
      )
    if (origin !== undefined && !origins.has(origin) && !isOurs(origin, listenHost, request.socket))
      throw new ServerError('wrong_origin', `expected no other site's Origin, got ${JSON.stringify(origin)}`)
    next()
  }
}

function isOurs(origin: string, listenHost: string, socket: Socket): boolean {
  const url = URL.parse(origin)
  // Nothing but scheme, host and port: `http://localhost:1@evil` has more than that.
  if (url?.protocol !== 'http:' || `${url.origin}/` !== url.href) return false
  const name = url.hostname.replace(/^\[|\]$/g, '')
  const port = url.port === '' ? 80 : Number(url.port)
  if (port !== socket.localPort) return false
  if (name === 'localhost' || name === listenHost.toLowerCase()) return true
  return isIP(name) !== 0 && name === socket.localAddress?.replace(/^::ffff:(?=\d+\.)/, '')
}
