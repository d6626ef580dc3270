import express from 'express'
import type { Request, Router } from 'express'
import { z } from 'zod'
import { INCIDENT_STATES } from '../alerts/incident.ts'
import type { Incident } from '../alerts/incident.ts'
import { FINDING_STATES, SEVERITIES } from '../model/finding.ts'
import { parseRecordId } from '../model/recordId.ts'
import { parseSubject } from '../model/subject.ts'
import { toTimestamp } from '../model/time.ts'
import type { Store } from '../store/contract.ts'
import { ServerError } from './error.ts'
import { storeLag, unpublishedEntries } from './status.ts'
import type { Status } from './status.ts'

/** Most documents in one answer. */
const MAX_LIMIT = 1000
const DEFAULT_LIMIT = 100

const limit = z.coerce.number().int().min(1).max(MAX_LIMIT).default(DEFAULT_LIMIT)
/** Any RFC 3339 time; documents are compared in UTC. */
const time = z.iso.datetime({ offset: true }).transform((text) => toTimestamp(Date.parse(text)))
/** Longer than any name in a log that is worth asking for. */
const text = z.string().min(1).max(512)
const subject = z
  .string()
  .max(256)
  .refine((s) => parseSubject(s) !== undefined, 'expected a subject such as ca_crl[issuing-1]')
const recordId = z
  .string()
  .max(256)
  .refine((id) => parseRecordId(id) !== undefined, 'expected a record id')

/** `GET /api/…`: what each takes. */
export const QUERIES = {
  findings: z.strictObject({
    state: z.enum(FINDING_STATES).optional(),
    severity: z.enum(SEVERITIES).optional(),
    rule: text.optional(),
    subject: subject.optional(),
  }),
  decisions: z.strictObject({ subject: subject.optional(), limit }),
  observations: z.strictObject({ subject, from: time.default(toTimestamp(0)), limit }),
  audit: z.strictObject({
    from: time.optional(),
    to: time.optional(),
    authority: text.optional(),
    user: text.optional(),
    action: text.optional(),
    after: recordId.optional(),
    limit,
  }),
  actions: z.strictObject({ limit }),
  incidents: z.strictObject({ state: z.enum(INCIDENT_STATES).optional(), limit }),
  status: z.strictObject({}),
}

/** The read-only JSON API. Each answer is one object whose only member is named after the path. */
export function apiRouter({
  store,
  status,
  incidents,
}: {
  store: Store
  status: () => Status
  /** Newest first. */
  incidents: () => readonly Incident[]
}): Router {
  const router = express.Router({ strict: true })
  router.use((_request, response, next) => {
    response.set('Cache-Control', 'no-store')
    next()
  })
  router.get('/findings', async (request, response) => {
    const wanted = parseQuery(QUERIES.findings, request)
    const findings = (await store.findings()).filter(
      (f) =>
        (wanted.state ?? f.state) === f.state &&
        (wanted.severity ?? f.severity) === f.severity &&
        (wanted.rule ?? f.rule) === f.rule &&
        (wanted.subject ?? f.subject) === f.subject,
    )
    response.json({ findings })
  })
  router.get('/decisions', async (request, response) => {
    const query = parseQuery(QUERIES.decisions, request)
    response.json({ decisions: await store.decisions(defined(query)) })
  })
  router.get('/observations', async (request, response) => {
    response.json({ observations: await store.observations(parseQuery(QUERIES.observations, request)) })
  })
  router.get('/audit', async (request, response) => {
    const query = parseQuery(QUERIES.audit, request)
    response.json({ audit: await store.auditEvents(defined(query)) })
  })
  router.get('/actions', async (request, response) => {
    response.json({ actions: await store.actions(parseQuery(QUERIES.actions, request)) })
  })
  router.get('/incidents', (request, response) => {
    const { state, limit } = parseQuery(QUERIES.incidents, request)
    const wanted = incidents().filter((incident) => (state ?? incident.state) === incident.state)
    response.json({ incidents: wanted.slice(0, limit) })
  })
  router.get('/status', (request, response) => {
    parseQuery(QUERIES.status, request)
    const now = status()
    response.json({
      status: { ...now, storeLag: storeLag(now), unpublishedEntries: unpublishedEntries(now) },
    })
  })
  return router
}

/** Throws ServerError(bad_request) that names every mistake. */
export function parseQuery<S extends z.ZodType>(schema: S, request: Request): z.output<S> {
  const result = schema.safeParse(request.query)
  if (result.success) return result.data
  const mistakes = result.error.issues.map((issue) => [...issue.path, issue.message].join(': '))
  throw new ServerError('bad_request', mistakes.join('; '))
}

/** Without the members that are undefined, which the store's queries do not take. */
export function defined<T extends object>(query: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(query).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}
