import { createServer as createHttpServer } from 'node:http'
import type { Server } from 'node:http'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import express from 'express'
import type { ErrorRequestHandler, Request, Response } from 'express'
import helmet from 'helmet'
import { StoreError } from '../store/error.ts'
import { apiRouter } from './api.ts'
import { ServerError } from './error.ts'
import { ChangeEvents } from './events.ts'
import { guard, parseListen } from './guard.ts'
import type { MetricsProjection } from './metrics.ts'
import { assetRouter, pageRenderer, pageRouter } from './pages.ts'
import type { PageOptions } from './pages.ts'
import { tlogRouter, type ReadArtifact } from './tlog.ts'

/** Open connections: pages, scrapers and followers; more than this is no operator's need. */
const MAX_CONNECTIONS = 500
/** How long answers under way may take after `close`, in milliseconds; then their connections are cut. */
const GRACE = 2000

interface ServerOptions extends PageOptions {
  /** `host:port`; port 0 takes any. */
  readonly listen: string
  /** Further values of the Host header that are taken, in lower case: see guard. */
  readonly allowedHosts?: readonly string[]
  readonly metrics: MetricsProjection
  /** Whose public files are served under /tlog/. */
  readonly journalDirectory: string
  /** Reads its artifacts. */
  readonly artifact: ReadArtifact
  /** Told about answers with status 500 and 503. */
  readonly onError: (error: unknown) => void
}

export interface VigilServer {
  /** Starts to listen; the URL of the page. Rejects when the address is taken. */
  listen(): Promise<string>
  /** Tells open pages to fetch themselves again. Call it whenever the store has applied something; it may be called often. */
  changed(): void
  /** Ends event streams, lets answers under way finish, and stops. */
  close(): Promise<void>
}

/** Metrics, health, JSON API, journal and pages over HTTP: read-only, GET and HEAD alone. Throws ServerError on a bad address. */
export function createServer(options: ServerOptions): VigilServer {
  const { host, port } = parseListen(options.listen)
  const events = new ChangeEvents()
  const server = createHttpServer(application(options, host, events))
  server.maxConnections = MAX_CONNECTIONS
  let closing: Promise<void> | undefined
  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.once('error', reject)
        server.listen(port, host, () => {
          server.off('error', reject)
          server.on('error', options.onError)
          const address = server.address()
          const bound = typeof address === 'object' && address !== null ? address.port : port
          resolve(`http://${host.includes(':') ? `[${host}]` : host}:${bound}`)
        })
      }),
    changed: () => events.changed(),
    close: () => (closing ??= stop(server, events)),
  }
}

function stop(server: Server, events: ChangeEvents): Promise<void> {
  return new Promise((resolve) => {
    events.close()
    // The callback's error says that it never listened, which is as good as closed.
    server.close(() => resolve())
    setTimeout(() => server.closeAllConnections(), GRACE).unref()
  })
}

function application(options: ServerOptions, listenHost: string, events: ChangeEvents) {
  const { metrics, status } = options
  const app = express()
  app.disable('x-powered-by')
  app.set('strict routing', true)
  app.use(
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'"],
          imgSrc: ["'self'"],
          connectSrc: ["'self'"],
          formAction: ["'self'"],
          baseUri: ["'none'"],
          frameAncestors: ["'none'"],
        },
      },
      // Plain HTTP on the loopback address, or behind something that does TLS and knows its own name.
      strictTransportSecurity: false,
      referrerPolicy: { policy: 'no-referrer' },
    }),
  )
  app.use(guard(listenHost, options.allowedHosts))
  app.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store')
    next()
  })

  app.get('/metrics', async (_request, response) => {
    response.set('Content-Type', metrics.contentType)
    await pipeline(Readable.from(metrics.expose(status())), response)
  })
  app.get('/healthz', (_request, response) => {
    response.type('text/plain').send('ok\n')
  })
  app.get('/readyz', (_request, response) => {
    const { ready, problems } = status()
    response
      .status(ready ? 200 : 503)
      .type('text/plain')
      .send(ready ? 'ready\n' : ['not ready', ...problems, ''].join('\n'))
  })
  app.get('/events', (request, response) => events.connect(request, response))
  app.use('/api', apiRouter(options))
  app.use('/tlog', tlogRouter(options.journalDirectory, options.artifact))
  app.use('/assets', assetRouter())
  app.use(pageRouter(options))
  app.use((request) => {
    throw new ServerError('not_found', `there is nothing at ${JSON.stringify(request.path)}`)
  })
  app.use(errorHandler(options))
  return app
}

const HEADINGS: Readonly<Record<number, string>> = {
  400: 'Not understood',
  404: 'Not found',
  503: 'Not available',
}

function errorHandler(options: ServerOptions): ErrorRequestHandler {
  const render = pageRenderer(options)
  // Express knows an error handler by its four parameters.
  return (thrown: unknown, request: Request, response: Response, next) => {
    const error = toServerError(thrown)
    if (error.status >= 500) options.onError(thrown)
    if (response.headersSent) {
      next(thrown)
      return
    }
    response.status(error.status).set('Cache-Control', 'no-store')
    if (error.code === 'method_not_allowed') response.set('Allow', 'GET, HEAD')
    if (
      request.headers.accept?.includes('text/html') === true &&
      error.status !== 421 &&
      error.status !== 403
    )
      response.send(
        render('error', 'Error', { heading: HEADINGS[error.status] ?? 'Error', message: error.message }),
      )
    else response.json({ error: { code: error.code, message: error.message } })
  }
}

function toServerError(thrown: unknown): ServerError {
  if (thrown instanceof ServerError) return thrown
  if (thrown instanceof StoreError)
    return thrown.code === 'unknown_record'
      ? new ServerError('not_found', thrown.message, { cause: thrown })
      : new ServerError('unavailable', `the store can not answer: ${thrown.message}`, { cause: thrown })
  // What express itself refuses, such as a path with a broken percent sign.
  if (thrown instanceof Error && 'status' in thrown && thrown.status === 400)
    return new ServerError('bad_request', thrown.message, { cause: thrown })
  return new ServerError('internal', 'internal error; the log has it', { cause: thrown })
}
