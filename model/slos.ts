import { z } from 'zod'
import { duration, id, instant, subjectPattern } from './configTypes.ts'

// Service level objectives and maintenance windows, as they stand in vigil.yaml.

const HOUR = 3_600_000
const DAY = 24 * HOUR

/** Windows in which an error budget is spent: shorter ones forget an incident within days, longer ones hide it. */
const MIN_WINDOW = 7 * DAY
const MAX_WINDOW = 90 * DAY

/** Longest maintenance at once: what lasts longer is no maintenance but a state, and needs a waiver. */
const MAX_MAINTENANCE = 31 * DAY
/** Longest one that comes again and again: at once a day it is half of the time. */
const MAX_RECURRING = 12 * HOUR

const target = z
  .number()
  .min(50, 'expected a percentage such as 99.9, at least 50')
  .max(99.9999, 'expected a percentage below 100, at most 99.9999: no service is always good')

const window = duration.refine(
  (ms) => ms >= MIN_WINDOW && ms <= MAX_WINDOW && ms % DAY === 0,
  'expected whole days from 7d to 90d',
)

/** What every objective has; its percentage where the configuration names none. */
function common(percent: number) {
  return { enabled: z.boolean().default(true), target: target.default(percent), window: window.optional() }
}

const availability = z.strictObject(common(99.9)).prefault({})

/** Durations are counted in steps up to 46 s; beyond the last nothing could be told apart. In milliseconds. */
const MAX_THRESHOLD = 30_000

const threshold = duration.refine((ms) => ms <= MAX_THRESHOLD, 'expected at most 30s')

/** Longest duration of a good run, in milliseconds. */
function latency(ms: number) {
  return z.strictObject({ ...common(99), threshold: threshold.default(ms) }).prefault({})
}

/** What the log says is revoked is published within this time, in milliseconds. */
const publication = z.strictObject({ ...common(99), within: duration.default(DAY) }).prefault({})

/** Names of objectives, as overrides write them. */
export const OBJECTIVE_KEYS = [
  'crl_availability',
  'crl_freshness',
  'crl_publication',
  'ocsp_availability',
  'ocsp_latency',
  'ocsp_publication',
  'tls_availability',
  'tls_latency',
] as const
export type ObjectiveKey = (typeof OBJECTIVE_KEYS)[number]

const override = z
  .strictObject({
    objective: z.enum(OBJECTIVE_KEYS),
    subject: subjectPattern,
    enabled: z.boolean().optional(),
    target: target.optional(),
    window: window.optional(),
    /** Of latency. */
    threshold: threshold.optional(),
    /** Of freshness. */
    max_age: duration.optional(),
    /** Of publication. */
    within: duration.optional(),
  })
  .refine((o) => o.threshold === undefined || o.objective.endsWith('_latency'), {
    path: ['threshold'],
    error: 'expected only with ocsp_latency or tls_latency',
  })
  .refine((o) => o.max_age === undefined || o.objective === 'crl_freshness', {
    path: ['max_age'],
    error: 'expected only with crl_freshness',
  })
  .refine((o) => o.within === undefined || o.objective.endsWith('_publication'), {
    path: ['within'],
    error: 'expected only with crl_publication or ocsp_publication',
  })

export const slosSchema = z.strictObject({
  /** How often they are computed. */
  interval: duration.refine((ms) => ms <= HOUR, 'expected at most 1h').default(60_000),
  /** Of every objective that has none of its own. */
  window: window.default(30 * DAY),
  /** Percentages of good events. */
  crl_availability: availability,
  /** The CRL is in force and, of an online authority, not older than `max_age`. */
  crl_freshness: z.strictObject({ ...common(99.9), max_age: duration.default(DAY) }).prefault({}),
  /** No revocation in a log has waited for its CRL for longer. */
  crl_publication: publication,
  ocsp_availability: availability,
  /** Runs that succeed, and take no longer than `threshold`. */
  ocsp_latency: latency(500),
  /** No revocation in a log has waited for OCSP for longer. */
  ocsp_publication: publication,
  tls_availability: availability,
  tls_latency: latency(1000),
  overrides: z.array(override).max(1000).default([]),
})

export type SlosConfig = z.output<typeof slosSchema>

const maintenance = z
  .strictObject({
    /** Once: from the first moment of `from` up to and without that of `to`. */
    from: instant.optional(),
    to: instant.optional(),
    /** Again and again: a cron expression (5 or 6 fields), and how long it takes each time. */
    cron: z.string().min(1).max(100).optional(),
    duration: duration.refine((ms) => ms <= MAX_RECURRING, 'expected at most 12h').optional(),
    /** IANA time zone of `cron`. */
    timezone: z.string().min(1).max(64).default('UTC'),
    /** Both lists may be given; a subject is concerned when it is in one of them. */
    subjects: z.array(subjectPattern).max(1000).default([]),
    tags: z.array(id).max(50).default([]),
    /** Who answers for it. */
    owner: z.string().trim().min(1).max(200).default('maintenance'),
    reason: z.string().trim().min(1).max(1000),
  })
  .refine((m) => (m.from === undefined) === (m.to === undefined), 'expected from and to together')
  .refine((m) => (m.cron === undefined) === (m.duration === undefined), 'expected cron and duration together')
  .refine(
    (m) => (m.from === undefined) !== (m.cron === undefined),
    'expected either from and to, or cron and duration',
  )
  .refine((m) => m.subjects.length + m.tags.length > 0, 'expected subjects or tags')
  .refine((m) => m.from === undefined || m.to === undefined || m.from < m.to, {
    path: ['to'],
    error: 'expected a time after from',
  })
  .refine((m) => m.from === undefined || m.to === undefined || m.to - m.from <= MAX_MAINTENANCE, {
    path: ['to'],
    error: 'expected at most 31 days after from: what lasts longer needs a waiver',
  })

export const maintenanceSchema = z.array(maintenance).max(200)

export type MaintenanceConfig = z.output<typeof maintenanceSchema>[number]
