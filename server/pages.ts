import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import express from 'express'
import type { Router } from 'express'
import Handlebars from 'handlebars'
import { z } from 'zod'
import type { Incident } from '../alerts/incident.ts'
import type { Inventory } from '../model/config.ts'
import { parseSubject } from '../model/subject.ts'
import { toTimestamp } from '../model/time.ts'
import type { Clock } from '../model/time.ts'
import type { Store } from '../store/contract.ts'
import { QUERIES, defined, parseQuery } from './api.ts'
import { ServerError } from './error.ts'
import type { DeclaredTarget } from './metrics.ts'
import type { Status } from './status.ts'
import { AUDIT_PAGE, auditPage } from './views/audit.ts'
import { timeView } from './views/format.ts'
import { statePage } from './views/state.ts'
import { STRIP_HOURS, observedSubject, subjectPage } from './views/subject.ts'

const DIRECTORY = new URL('./pages/', import.meta.url)
const PAGES = ['state', 'audit', 'subject', 'error'] as const
const PARTIALS = [
  'layout',
  'time',
  'verdict',
  'run',
  'life',
  'findings',
  'actions',
  'facts',
  'target',
] as const
const ASSETS = ['vigil.css', 'vigil.js', 'icon.svg'] as const

/** Newest steps of actions that the page about everything looks at. */
const ACTIONS = 500
/** Changes and decisions on the page of a subject. */
const HISTORY = 50
const HOUR = 3_600_000

export interface PageOptions {
  readonly store: Store
  readonly status: () => Status
  /** Newest first. */
  readonly incidents: () => readonly Incident[]
  readonly now: Clock
  readonly inventory: Pick<Inventory, 'authorities' | 'services' | 'systems'>
  readonly targets: readonly DeclaredTarget[]
}

/** The pages: rendered here whole, so that they work without scripts. The script only fetches them again when something changed. */
export function pageRouter(options: PageOptions): Router {
  const { store, now, inventory, targets } = options
  const render = pageRenderer(options)
  const router = express.Router({ strict: true })
  router.get('/', async (_request, response) => {
    const [latest, findings, actions] = await Promise.all([
      store.latestObservations(),
      store.findings(),
      store.actions({ limit: ACTIONS }),
    ])
    const status = options.status()
    const incidents = options.incidents()
    const view = statePage({ inventory, targets, latest, findings, actions, incidents, status, now: now() })
    response.send(render('state', view.headline.text, view))
  })
  router.get('/audit', async (request, response) => {
    const filter = defined(parseQuery(AUDIT_FORM, request))
    const events = await store.auditEvents({ ...filter, limit: AUDIT_PAGE + 1 })
    const authorities = inventory.authorities.map((a) => a.id)
    response.send(render('audit', 'Audit timeline', auditPage({ events, filter, authorities, now: now() })))
  })
  router.get('/subject/:subject', async (request, response) => {
    const { subject } = request.params
    if (parseSubject(subject) === undefined)
      throw new ServerError(
        'not_found',
        `expected a subject such as ca_crl[issuing-1], got ${JSON.stringify(subject)}`,
      )
    const observed = observedSubject(subject)
    const [latest, findings, observations, decisions, rollUps] = await Promise.all([
      store.latestObservations(),
      store.findings(),
      store.observations({ subject: observed, from: toTimestamp(0), limit: HISTORY }),
      store.decisions({ subject, limit: HISTORY }),
      store.rollUps({
        from: toTimestamp(now() - STRIP_HOURS * HOUR),
        to: toTimestamp(now()),
        subject: observed,
      }),
    ])
    const input = { subject, targets, latest, findings, observations, decisions, rollUps, now: now() }
    response.send(render('subject', subject, subjectPage(input)))
  })
  return router
}

/** Style, script and icon, by name. */
export function assetRouter(): Router {
  const router = express.Router({ strict: true })
  for (const asset of ASSETS)
    router.get(`/${asset}`, (_request, response) => {
      response.sendFile(asset, {
        root: fileURLToPath(DIRECTORY),
        cacheControl: false,
        headers: { 'Cache-Control': 'no-cache' },
      })
    })
  return router
}

/** A form sends its empty fields too: they mean "any". */
const AUDIT_FORM = z.preprocess(
  (query) =>
    typeof query === 'object' && query !== null
      ? Object.fromEntries(Object.entries(query).filter(([, value]) => value !== ''))
      : query,
  QUERIES.audit.omit({ limit: true }),
)

type Page = (typeof PAGES)[number]

/** Renders a page to HTML. Every value is escaped; the templates are ours, and read once. */
export function pageRenderer({ status, now }: Pick<PageOptions, 'status' | 'now'>) {
  const handlebars = Handlebars.create()
  const compile = (name: string) =>
    // Parsing here and not at the first request: a broken template stops the start.
    handlebars.compile(handlebars.parse(readFileSync(new URL(`${name}.hbs`, DIRECTORY), 'utf8')), {
      strict: true,
      knownHelpersOnly: true,
      // A log line in a <pre> is shown as it is, however deep the partial stands.
      preventIndent: true,
    })
  for (const name of PARTIALS) handlebars.registerPartial(name, compile(name))
  const pages = new Map(PAGES.map((name) => [name, compile(name)]))

  return (page: Page, title: string, view: object): string => {
    const { version, vantage, journal, started } = status()
    const at = now()
    const site = {
      version,
      vantage,
      origin: journal.origin,
      started: timeView(started, at),
      now: timeView(toTimestamp(at), at),
      refreshes: page !== 'error',
      onState: page === 'state',
      onAudit: page === 'audit',
    }
    const template = pages.get(page)
    if (template === undefined) throw new ServerError('internal', `there is no page ${page}`)
    return template({ ...view, title, site })
  }
}
