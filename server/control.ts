import { lstatSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { incidentCommandSchema } from '../alerts/command.ts'
import { IncidentError } from '../alerts/error.ts'
import type { Incidents } from '../alerts/incidents.ts'
import { ServerError } from './error.ts'

/** Beside the journal, like its key: what is in the directory is evidence. */
export function controlSocket(journalDirectory: string): string {
  return `${journalDirectory}.sock`
}

/** Largest command, in octets. */
const MAX_BODY = 16 * 1024
/** Milliseconds for a request; those who ask are on this machine. */
const REQUEST_TIMEOUT = 10_000
const MAX_CONNECTIONS = 20
/** Only the user as whom vigil runs, and root. */
const UMASK = 0o177
/** What Linux takes as the path of a socket, in octets; others take 4 less. */
export const MAX_SOCKET_PATH = 103

interface ControlOptions {
  /** Where the socket is made. */
  readonly path: string
  readonly incidents: Pick<Incidents, 'list' | 'command'>
  /** Told about faults of ours. */
  readonly onError: (error: unknown) => void
}

export interface Control {
  close(): Promise<void>
}

/**
 * Takes commands from people on this machine, over HTTP on a unix-domain socket that only the user of this process may open: `GET /incidents`, and
 * `POST /commands` with one command as JSON. Who gives it is what the client says.
 *
 * A socket that an earlier process left behind is replaced: whoever calls this holds the lock of the journal. Throws ServerError (bad_request:
 * the path is too long, or something else is there).
 */
export async function listenForCommands(options: ControlOptions): Promise<Control> {
  const { path } = options
  if (Buffer.byteLength(path) > MAX_SOCKET_PATH)
    throw new ServerError(
      'bad_request',
      `${path}: too long for a socket: expected at most ${MAX_SOCKET_PATH} octets`,
    )
  removeStale(path)
  const server = createServer((request, response) => {
    void answer(options, request, response)
  })
  server.maxConnections = MAX_CONNECTIONS
  server.requestTimeout = REQUEST_TIMEOUT
  await listen(server, path)
  return {
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function removeStale(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false })
  if (found === undefined) return
  if (!found.isSocket()) throw new ServerError('bad_request', `${path}: expected a socket, or nothing`)
  rmSync(path)
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    // The socket is made within the call, so it never exists with wider rights than these.
    const before = process.umask(UMASK)
    try {
      server.listen(path, () => {
        server.off('error', reject)
        resolve()
      })
    } finally {
      process.umask(before)
    }
  })
}

async function answer(
  options: ControlOptions,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const send = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json', connection: 'close' })
    response.end(`${JSON.stringify(body)}\n`)
  }
  try {
    send(200, await handle(options, request))
  } catch (thrown) {
    const error = toServerError(thrown)
    if (error.status >= 500) options.onError(thrown)
    send(error.status, { error: { code: error.code, message: error.message } })
  }
}

async function handle({ incidents }: ControlOptions, request: IncomingMessage): Promise<unknown> {
  const { method = '', url = '' } = request
  if (method === 'GET' && url === '/incidents') return { incidents: incidents.list() }
  if (method !== 'POST' || url !== '/commands')
    throw new ServerError(
      'not_found',
      `expected GET /incidents or POST /commands, got ${method} ${JSON.stringify(url.slice(0, 100))}`,
    )
  const parsed = incidentCommandSchema.safeParse(parseJson(await readBody(request)))
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map((issue) => [...issue.path, issue.message].join(': '))
    throw new ServerError('bad_request', mistakes.join('; '))
  }
  return { incident: await incidents.command(parsed.data) }
}

async function readBody(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > MAX_BODY) throw new ServerError('bad_request', `expected at most ${MAX_BODY} octets`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new ServerError('bad_request', 'expected one command as JSON', { cause })
  }
}

function toServerError(thrown: unknown): ServerError {
  if (thrown instanceof ServerError) return thrown
  if (thrown instanceof IncidentError)
    return new ServerError(thrown.code === 'not_found' ? 'not_found' : 'refused', thrown.message, {
      cause: thrown,
    })
  return new ServerError('internal', 'internal error; the log has it', { cause: thrown })
}
