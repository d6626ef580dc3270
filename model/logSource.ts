import { z } from 'zod'
import { checkLogin, credentials, duration, endpoint, id, instant } from './configTypes.ts'

const file = z.string().min(1)

function isTimeZone(zone: string): boolean {
  try {
    return new Intl.DateTimeFormat('en-US', { timeZone: zone }).resolvedOptions().timeZone !== ''
  } catch {
    return false
  }
}

const serial = z.string().regex(/^[0-9a-fA-F]{1,40}$/, 'expected a serial number in hex')

/** Ways for a log to come. */
const WAYS = ['path', 'beats', 'elasticsearch', 'certctl', 'dagster'] as const

/** IANA name. */
export const timeZone = z
  .string()
  .max(100)
  .refine(isTimeZone, 'expected a time zone such as Europe/Stockholm')

/** Where a field stands in a JSON object: `actor.name`; a dot in a key is written `\\.`. */
const jsonPath = z.string().min(1).max(200)

/** How lines of JSON become events: which of their fields is what. */
export const jsonMapping = z.strictObject({
  /** What the records are called: `event.module`, and `event.dataset` with `.audit` after it. */
  module: id.default('json'),
  /** RFC 3339, or seconds, milliseconds or nanoseconds since 1970. */
  time: jsonPath,
  action: jsonPath,
  outcome: z
    .strictObject({
      field: jsonPath,
      success: z.array(z.string()).default(['success']),
      failure: z.array(z.string()).default(['failure']),
    })
    .optional(),
  reason: jsonPath.optional(),
  message: jsonPath.optional(),
  user: jsonPath.optional(),
  source_ip: jsonPath.optional(),
  ca_id: jsonPath.optional(),
  ca_name: jsonPath.optional(),
  ca_subject: jsonPath.optional(),
  profile: jsonPath.optional(),
  /** Hex, with or without colons or `0x`. */
  serial: jsonPath.optional(),
  subject: jsonPath.optional(),
  username: jsonPath.optional(),
  key: jsonPath.optional(),
  crl_number: jsonPath.optional(),
  /** SHA-1 or SHA-256 of the certificate or CRL (DER), hex, with or without colons. */
  fingerprint: jsonPath.optional(),
  /** By name or number (RFC 5280 section 5.3.1). */
  revocation_reason: jsonPath.optional(),
  /** Certificate in PEM or base64 DER. */
  certificate: jsonPath.optional(),
  /** By action: categories and types of ECS, and what it does to a certificate or CRL of the authority, if anything. */
  actions: z
    .record(
      z.string(),
      z.strictObject({
        category: z.array(z.string().max(50)).max(10).default([]),
        type: z.array(z.string().max(50)).max(10).default([]),
        means: z.enum(['issued', 'revoked', 'released', 'crl_issued']).optional(),
      }),
    )
    .default({}),
})

/** Without user and password: those stand in files of their own. */
const apiUrl = z
  .string()
  .max(2000)
  .refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
    error: 'expected an http or https URL',
    abort: true,
  })
  .refine(
    (text) => new URL(text).username === '' && new URL(text).password === '',
    'expected a URL without user and password',
  )

/** Time from one look to the next. */
const interval = duration.default(10_000)

/** A job of a control plane that runs on a schedule. */
const job = z
  .strictObject({
    id,
    /** Dagster: name of the job. */
    job: z.string().min(1).max(200).optional(),
    /** Dagster: only the runs that this schedule began; others are nobody's business here. */
    schedule: z.string().min(1).max(200).optional(),
    /** In other logs: the event that tells of a run, `renewal_job_completed`. */
    action: z.string().min(1).max(200).optional(),
    /** Details that the event must have, by name. */
    details: z.record(z.string().max(200), z.string().max(1000)).default({}),
    /** The detail that tells one run from another, where the log tells of its beginning and of its end. Default: each event is a run. */
    run: z.string().min(1).max(200).optional(),
    /** When it is due: cron expression. */
    cron: z.string().min(1).max(200),
    timezone: timeZone.default('UTC'),
    /** How much later it may begin. */
    grace: duration.default(900_000),
    /** How long it may run. */
    max_duration: duration.optional(),
  })
  .refine(
    (j) => (j.job === undefined) !== (j.action === undefined),
    'expected either `job`, the name of a job of Dagster, or `action`, the event that tells of a run',
  )
  .refine(
    (j) => j.action === undefined || j.schedule === undefined,
    'expected `schedule` only beside `job`: it is one of Dagster',
  )
  .refine(
    (j) => j.job === undefined || (j.run === undefined && Object.keys(j.details).length === 0),
    'expected `run` and `details` only beside `action`: runs of Dagster have ids',
  )
  .refine(
    (j) => j.max_duration === undefined || j.job !== undefined || j.run !== undefined,
    'expected `max_duration` only where beginning and end are told: with `job` or `run`',
  )

/** Reports that something was deployed, and which service that is. */
const deployment = z.strictObject({
  /** Dagster: key of the asset, its parts joined by `/`; certctl: id of the certificate. `*` stands for any characters. */
  asset: z.string().min(1).max(500),
  /** Of the inventory. Default: what the report names. */
  service: id.optional(),
  environment: id.optional(),
  /** Names of the metadata with the serial number (hex, or a decimal number) and the SHA-256 of the certificate. */
  serial: z.string().min(1).max(200).optional(),
  sha256: z.string().min(1).max(200).optional(),
})

/** Control planes, whose logs tell of deployments. */
const DEPLOYING: ReadonlySet<string> = new Set(['dagster', 'certctl'])

/** One log: how its lines arrive, and what they mean. */
export const logSchema = z
  .strictObject({
    id,
    format: z.enum(['ejbca', 'ejbca-csv', 'dogtag', 'certctl', 'dagster', 'json']),
    /** The file that is read, */
    path: file.optional(),
    /** or who ships it to us: Filebeat, to the address of `beats`. */
    beats: z
      .strictObject({
        /** Subject of the client's certificate (RFC 4514: `CN=ca1,O=Example`), or one of the names in it. */
        client: z.string().min(1).max(1000),
      })
      .optional(),
    /** or the API of certctl, whose audit log is read. */
    certctl: z
      .strictObject({
        url: apiUrl,
        /** A key that may read the audit log: the role r-viewer is enough. */
        api_key_file: file,
        /** CA certificates (PEM) that the server's certificate must lead to. Default: those of the system. */
        ca_file: file.optional(),
        interval,
        /** What happened before is not read. Default: 30 days before the first start. */
        since: instant.optional(),
      })
      .optional(),
    /** or the index that Filebeat fills, in Elasticsearch. */
    elasticsearch: z
      .strictObject({
        url: apiUrl,
        /** Name or pattern: `ejbca-audit-*`. */
        index: z
          .string()
          .max(255)
          .regex(/^[a-z0-9.][a-z0-9._*-]*$/, 'expected the name of an index, or a pattern with "*"'),
        /** `position.source` of the documents of this log. Default: its id. */
        origin: z.string().min(1).max(100).optional(),
        username: z.string().min(1).max(200).optional(),
        password_file: file.optional(),
        /** The key in its `encoded` form. */
        api_key_file: file.optional(),
        /** CA certificates (PEM) that the server's certificate must lead to. Default: those of the system. */
        ca_file: file.optional(),
        /** Our certificate, where the server, or what stands before it, asks for one. */
        client: credentials.optional(),
        interval,
        /** Time from one comparison with the journal to the next. */
        compare: duration.default(600_000),
      })
      .superRefine(checkLogin)
      .optional(),
    /** or Dagster, whose histories are read over GraphQL. */
    dagster: z
      .strictObject({
        url: apiUrl,
        /** Holds the value of `authorization`, for the proxy that Dagster stands behind. */
        authorization_file: file.optional(),
        /** Token of Dagster+. */
        token_file: file.optional(),
        /** CA certificates (PEM) that the server's certificate must lead to. Default: those of the system. */
        ca_file: file.optional(),
        interval: duration.default(30_000),
        /** What happened before is not read. Default: 30 days before the first start. */
        since: instant.optional(),
      })
      .optional(),
    /** Authorities that log here; maps CA ids and names in the log to the inventory. */
    authorities: z.array(id).default([]),
    /** IANA time zone of times that bear no offset. */
    timezone: timeZone.optional(),
    /** Dogtag: who signs the log, now and before: certificates or public keys, PEM. */
    signing_keys: z.array(file).max(20).optional(),
    /** Serial numbers (hex) that the clone which keeps this log may give, one after another. */
    serials: z
      .strictObject({ first: serial, last: serial })
      .refine(({ first, last }) => BigInt(`0x${first}`) <= BigInt(`0x${last}`), 'expected first <= last')
      .optional(),
    /** How the records of format json are read. */
    json: jsonMapping.optional(),
    /** Jobs that must run, and that the log tells of. */
    jobs: z.array(job).max(1000).optional(),
    /** Dagster, certctl: which deployments are compared with what services serve. Default: docs/collectors/ says for each. */
    deployments: z.array(deployment).max(1000).optional(),
  })
  .refine(
    (l) => WAYS.filter((way) => l[way] !== undefined).length === 1,
    `expected one of ${WAYS.map((way) => `\`${way}\``).join(', ')}`,
  )
  .refine(
    (l) => l.certctl === undefined || l.format === 'certctl',
    'expected format certctl: its API gives nothing else',
  )
  .refine(
    (l) => l.dagster === undefined || l.format === 'dagster',
    'expected format dagster: its API gives nothing else',
  )
  .refine(
    (l) => (l.format === 'json') === (l.json !== undefined),
    'expected `json` with format json, and only there',
  )
  .refine(
    (l) => l.deployments === undefined || DEPLOYING.has(l.format),
    'expected `deployments` only with format dagster or certctl: no other log tells of them',
  )
  .refine(
    (l) => l.format === 'dagster' || (l.jobs ?? []).every((j) => j.job === undefined),
    'expected `action` with every job: names of jobs are for format dagster',
  )
  .refine(
    ({ jobs = [] }) => new Set(jobs.map((j) => j.id)).size === jobs.length,
    'expected a different id for every job',
  )

export type JsonMapping = z.infer<typeof jsonMapping>
export type JobConfig = z.infer<typeof job>
export type DeploymentConfig = z.infer<typeof deployment>

/** Where Filebeats connect, and who may. */
export const beatsSchema = z.strictObject({
  listen: endpoint,
  certificate_file: file,
  key_file: file,
  /** CAs (PEM) that clients' certificates come from: best one that the watched CAs do not depend on. */
  client_ca_file: file,
})
