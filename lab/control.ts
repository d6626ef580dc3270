// The lab's control endpoint: what `vigil lab status | break | repair` talks to.
import { timingSafeEqual } from 'node:crypto'
import { z } from 'zod'
import { LabError } from './error.ts'
import { FAULT_GROUPS, FAULT_TARGETS } from './faults/fault.ts'
import { parseJson, readBody, sendJson, serveHttp, type HttpServer } from './http.ts'

/** Octets of a request. */
const MAX_BODY = 4096

export const labStatusSchema = z.object({
  directory: z.string(),
  authorities: z.array(z.string()),
  services: z.array(z.string()),
  /** Switched on now. */
  active: z.array(z.object({ fault: z.string(), target: z.string(), since: z.string() })),
  /** What can be switched. */
  faults: z.array(
    z.object({
      id: z.string(),
      title: z.string(),
      group: z.enum(FAULT_GROUPS),
      target: z.enum(FAULT_TARGETS),
    }),
  ),
})
export type LabStatus = z.output<typeof labStatusSchema>

const switchSchema = z.strictObject({ fault: z.string(), target: z.string() })

interface Controlled {
  status(): LabStatus
  break(fault: string, target: string): Promise<void>
  repair(fault: string, target: string): Promise<void>
}

/** GET /status, POST /break, POST /repair; each with `Authorization: Bearer <token>`, each answers the status. */
export function startControl(lab: Controlled, token: string): Promise<HttpServer> {
  const expected = Buffer.from(`Bearer ${token}`)
  return serveHttp(async (request, response) => {
    const given = Buffer.from(request.headers.authorization ?? '')
    if (given.length !== expected.length || !timingSafeEqual(given, expected)) {
      throw new LabError('unauthorized', 'expected the token of lab.json')
    }
    const wanted = `${request.method ?? ''} ${request.url ?? ''}`
    if (wanted === 'POST /break' || wanted === 'POST /repair') {
      const parsed = switchSchema.safeParse(parseJson(await readBody(request, MAX_BODY)))
      if (!parsed.success) throw new LabError('bad_request', z.prettifyError(parsed.error))
      const { fault, target } = parsed.data
      await (wanted === 'POST /break' ? lab.break(fault, target) : lab.repair(fault, target))
    } else if (wanted !== 'GET /status') {
      throw new LabError('not_found', 'expected GET /status, POST /break or POST /repair')
    }
    sendJson(response, 200, lab.status())
  })
}
