import { request } from 'node:http'
import { z } from 'zod'
import type { IncidentCommand } from '../alerts/command.ts'
import { INCIDENT_STATES, type Incident } from '../alerts/incident.ts'
import { SEVERITIES } from '../model/finding.ts'
import { MAX_SOCKET_PATH } from '../server/control.ts'
import { CommandError, EXIT } from './exit.ts'

/** Milliseconds for an answer. A command waits for its record to be sealed. */
const TIMEOUT = 15_000
/** Largest answer, in octets: some hundred incidents with thousands of findings. */
const MAX_ANSWER = 64 * 1024 * 1024

const remark = z.object({ at: z.string(), by: z.string(), text: z.string() })
const member = z.object({
  rule: z.string(),
  subject: z.string(),
  severity: z.enum(SEVERITIES),
  role: z.enum(['cause', 'symptom']),
  reason: z.string(),
  joined: z.string(),
  left: z.object({ at: z.string(), reason: z.string() }).exactOptional(),
})
const incident: z.ZodType<Incident> = z.object({
  id: z.string(),
  about: z.string(),
  root: z.object({ rule: z.string(), subject: z.string() }),
  state: z.enum(INCIDENT_STATES),
  severity: z.enum(SEVERITIES),
  opened: z.string(),
  decision: z.string().nullable(),
  acknowledged: remark.nullable(),
  owner: z.string().nullable(),
  closed: remark.nullable(),
  members: z.array(member),
  moreMembers: z.number(),
  comments: z.array(remark),
})
const listed = z.object({ incidents: z.array(incident) })
const changed = z.object({ incident })
const refused = z.object({ error: z.object({ code: z.string(), message: z.string() }) })

/** Newest first; undefined when no vigil runs there. Throws CommandError. */
export async function askForIncidents(socket: string): Promise<readonly Incident[] | undefined> {
  if (isTooLong(socket)) return undefined
  const answer = await ask(socket, 'GET', '/incidents')
  return answer === undefined ? undefined : understood(listed, answer).incidents
}

/** The incident after the command; undefined when no vigil runs there. Throws CommandError. */
export async function giveCommand(socket: string, command: IncidentCommand): Promise<Incident | undefined> {
  if (isTooLong(socket))
    throw new CommandError(
      EXIT.failed,
      `${socket}: no vigil can listen there, expected at most ${MAX_SOCKET_PATH} octets: give journal.directory a shorter path`,
    )
  const answer = await ask(socket, 'POST', '/commands', JSON.stringify(command))
  return answer === undefined ? undefined : understood(changed, answer).incident
}

function isTooLong(socket: string): boolean {
  return Buffer.byteLength(socket) > MAX_SOCKET_PATH
}

interface Answer {
  readonly status: number
  readonly text: string
}

function understood<T>(schema: z.ZodType<T>, { status, text }: Answer): T {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new CommandError(
      EXIT.failed,
      `the running vigil answered ${status} with something that is not JSON`,
    )
  }
  const error = refused.safeParse(value)
  if (error.success) throw new CommandError(exitOf(status), error.data.error.message)
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  throw new CommandError(EXIT.failed, 'the running vigil is of another version: restart it')
}

function exitOf(status: number): number {
  if (status === 409) return EXIT.findings
  return status < 500 ? EXIT.usage : EXIT.failed
}

function ask(socketPath: string, method: string, path: string, body = ''): Promise<Answer | undefined> {
  return new Promise((resolve, reject) => {
    const fail = (message: string): void => {
      reject(new CommandError(EXIT.failed, `${socketPath}: ${message}`))
    }
    const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }
    const client = request({ socketPath, method, path, headers, timeout: TIMEOUT }, (response) => {
      const chunks: Buffer[] = []
      let size = 0
      response.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > MAX_ANSWER) client.destroy(new Error('the answer is too large'))
        else chunks.push(chunk)
      })
      response.on('error', (error) => {
        fail(error.message)
      })
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString('utf8') })
      })
    })
    client.on('timeout', () => client.destroy(new Error(`no answer within ${TIMEOUT / 1000} s`)))
    client.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(undefined)
      else if (error.code === 'EACCES')
        fail('only the user as whom vigil runs, and root, may give it commands')
      else if (error.code === 'ECONNRESET' && method === 'POST')
        fail('vigil ended before it answered; the command may have been recorded: see vigil incident show')
      else fail(error.message)
    })
    client.end(body)
  })
}
