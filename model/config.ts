import { z } from 'zod'
import { checkLogin, credentials, duration, endpoint, id, instant, subjectPattern } from './configTypes.ts'
import { crlSourceSchema } from './crlSource.ts'
import { beatsSchema, logSchema } from './logSource.ts'
import { PRUNABLE_KINDS } from './record.ts'
import { maintenanceSchema, slosSchema } from './slos.ts'

/** As many as probes look at. */
const MAX_ADDRESSES = 8
/** More than a cluster of Alertmanagers has. */
const MAX_ALERTMANAGERS = 10

// The configuration file as a schema: keys as they stand in vigil.yaml, values parsed (durations are milliseconds).
// Files are named relative to the configuration file; cli/ resolves and reads them.

const httpUrl = z.string().refine((text) => URL.canParse(text) && /^https?:$/.test(new URL(text).protocol), {
  error: 'expected an http:// or https:// URL',
  abort: true,
})

/** What is probed is named in observations and metrics, so it may hold no secret; probes would not send it either. */
const probedUrl = httpUrl.refine((text) => {
  const { username, password } = new URL(text)
  return username === '' && password === ''
}, 'expected a URL without user and password')

/** CRLs are published in directories, too, and what is published from a file can be watched where it lies. */
const crlUrl = z.union(
  [
    probedUrl,
    z.string().regex(/^ldaps?:\/\/[^\s/@?#]+\/[^\s@#]*$/),
    z.string().regex(/^file:\/\/\/[^\s?#]+$/),
  ],
  { error: 'expected an http://, https:// or ldap:// URL without user and password, or file:///' },
)

const hostName = z
  .string()
  .max(253)
  .regex(
    /^(?!.*\.\d+$)[a-z0-9_-]{1,63}(\.[a-z0-9_-]{1,63})*$/,
    'expected a host name in lower case, such as crl.example.org',
  )

const ipAddress = z.union([z.ipv4(), z.ipv6()], { error: 'expected an IPv4 or IPv6 address' })

const network = z.union([z.cidrv4(), z.cidrv6()], { error: 'expected a network such as 10.0.0.0/8' })

/** As it stands in the Host header: no scheme, no pattern, the port only where it is not the scheme's own. */
const hostHeader = z
  .string()
  .regex(
    /^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9][A-Za-z0-9.-]{0,252})(:\d{1,5})?$/,
    'expected a name as it stands in the Host header, such as vigil.example.org or vigil:9480',
  )
  .transform((s) => s.toLowerCase())

const hexSerial = z
  .string()
  .regex(/^[0-9a-fA-F]{1,80}$/, 'expected a serial number in hex')
  .transform((s) => s.toLowerCase().replace(/^0+(?=.)/, ''))

const file = z.string().min(1)

/** What rules may select by: `public-tls`, `trust-zone-payments`. */
const tags = z.array(id).max(50).default([])

/** `*` stands for any characters, `?` for one. */
const textPattern = z.string().min(1).max(300)

/** Certificates that an authority issues and that no probe sees: all that is given must fit. */
const expectedSchema = z
  .strictObject({
    /** As the log names it: of EJBCA the number of the certificate profile. */
    profile: textPattern.optional(),
    /** Of the distinguished name, as the log has it. */
    subject: textPattern.optional(),
    /** Each of its alternative names fits one of these, and it has one. */
    names: z.array(textPattern).min(1).max(100).optional(),
  })
  .refine((e) => Object.keys(e).length > 0, 'expected profile, subject or names')

const authority = z.strictObject({
  id,
  tags,
  class: z.enum(['online', 'offline']).default('online'),
  /** PEM or DER file with the CA's certificate. */
  certificate: file,
  /** Id of the authority that issued it; absent for a root, which is a trust anchor. */
  issuer: id.optional(),
  crl: z.array(crlSourceSchema(crlUrl)).default([]),
  ocsp: z
    .array(
      z
        .strictObject({
          url: probedUrl,
          /** A certificate that must be good (file), or its serial number. */
          certificate: file.optional(),
          serial: hexSerial.optional(),
          /** Serial number of a certificate that is revoked, and has not expired. */
          revoked: hexSerial.optional(),
        })
        .refine(
          (o) => (o.certificate === undefined) !== (o.serial === undefined),
          'expected exactly one of certificate and serial',
        ),
    )
    .default([]),
  /**
   * Files with certificates that it issued (PEM, several in each, or DER). Of these vigil knows when they expire, and whether they may leave the CRL;
   * it knows too what services are seen to have, and the authorities of the inventory.
   */
  issued: z.array(file).max(100).optional(),
  /** What it issues beside what services are seen to have and what stands in files: clients, people, machines that are not probed. */
  expected: z.array(expectedSchema).max(100).default([]),
  /** Where its certificate is published, as the certificates that it issues say (RFC 5280 section 4.2.2.1). */
  ca_issuers: z.array(probedUrl).default([]),
})

const service = z.strictObject({
  id,
  tags,
  environment: id.default('prod'),
  endpoint,
  /** What the service speaks before it turns to TLS (STARTTLS). Absent: TLS from the first octet. */
  starttls: z.enum(['smtp', 'imap', 'ldap']).optional(),
  /** TLS server name (SNI), and the identity that the certificate must carry. Default: the endpoint's host. */
  servername: z.string().optional(),
  /** Id of the authority that must have issued the certificate. */
  issuer: id,
  owner: z.string().default(''),
  /** PEM or DER file with the newest certificate that was issued for the service; read whenever it is probed. */
  certificate: file.optional(),
  /** Credentials of the prober, where the service asks for a client certificate. */
  client: credentials.optional(),
  /** Asks the service, once a day, with certificates that it must refuse (docs/probes/mtls.md). */
  mtls: z
    .strictObject({
      /** What is asked for where the service speaks HTTP. */
      path: z
        .string()
        .regex(/^\/[\x21-\x7e]{0,500}$/, 'expected a path such as /')
        .default('/'),
      /** Of an authority that the service must not accept, and one that signed itself. Default: vigil makes them. */
      foreign: credentials.optional(),
      self_signed: credentials.optional(),
      /** Of the authority that it accepts. Absent: that is not asked. */
      expired: credentials.optional(),
      revoked: credentials.optional(),
    })
    .optional(),
})

/** What can be asked for its health, and how (docs/probes/health.md). */
export const SYSTEM_KINDS = ['ejbca', 'ejbca_rest', 'certctl', 'dagster', 'dogtag'] as const
export type SystemKind = (typeof SYSTEM_KINDS)[number]

const system = z.strictObject({
  id,
  tags,
  kind: z.enum(SYSTEM_KINDS),
  /** Without the path of the health page, which the kind knows: `https://ca.example.org:8443`. */
  url: probedUrl,
  /** PEM or DER file with a CA certificate that an https server's certificate may lead to, beside the roots of the system. */
  ca_file: file.optional(),
  /** Credentials of the prober, where the server asks for a client certificate. */
  client: credentials.optional(),
})

export const inventorySchema = z.strictObject({
  authorities: z.array(authority).default([]),
  services: z.array(service).default([]),
  /** CA servers and control planes. */
  systems: z.array(system).default([]),
  logs: z.array(logSchema).default([]),
})

const elasticsearch = z
  .strictObject({
    url: httpUrl.refine(
      (text) => new URL(text).username === '' && new URL(text).password === '',
      'expected a URL without user and password: they stand in username and password_file',
    ),
    /** What the names of all indices and templates begin with. One prefix holds one journal. */
    prefix: z
      .string()
      .regex(
        /^[a-z0-9][a-z0-9_-]{0,62}$/,
        'expected lower-case letters, digits, "_", "-", at most 63, starting with a letter or digit',
      )
      .default('vigil'),
    username: z.string().min(1).optional(),
    password_file: file.optional(),
    /** The key in its `encoded` form. */
    api_key_file: file.optional(),
    /** CA certificates (PEM) that the server's certificate must lead to. Default: those of the system. */
    ca_file: file.optional(),
  })
  .superRefine(checkLogin)

/** As a rule pack declares it, or one value for each time from which another is in force. */
const parameterValue = z.union([z.string(), z.number(), z.array(z.string()).max(100)])
const parameter = z.union([
  parameterValue,
  z
    .array(
      z
        .strictObject({ value: parameterValue, from: instant.optional() })
        .transform(({ value, from }) => ({ value, from })),
    )
    .min(1)
    .max(20),
])

const waiver = z.strictObject({
  rule: z.string().min(1),
  subject: subjectPattern,
  /** Who answers for it. */
  owner: z.string().trim().min(1).max(200),
  reason: z.string().trim().min(1).max(1000),
  /** Its first moment without effect, in milliseconds. */
  expires: instant,
})

const followSchema = z
  .strictObject({
    /** Where the other serves its journal: `http://vigil.example.org:9480/tlog/`. */
    url: probedUrl.transform((url) => (url.endsWith('/') ? url : `${url}/`)),
    /** Its verifier keys as they stand in its file vkey, the first one at least; got by another way than from there. */
    vkey: z.string().min(1).optional(),
    vkey_file: file.optional(),
    /** Of the mirror. Default: `followed/<origin>_<epoch>`. */
    directory: file.optional(),
    interval: duration.default(60_000),
    /** Of one exchange. */
    timeout: duration.default(30_000),
  })
  .refine((f) => (f.vkey === undefined) !== (f.vkey_file === undefined), 'expected either vkey or vkey_file')

const schedule = z.strictObject({ interval: duration.optional(), timeout: duration.optional() })

/** Cron expression, and IANA time zone in which it is meant. */
const cronSchedule = (usual: string) => ({
  schedule: z.string().default(usual),
  timezone: z.string().default('UTC'),
})

/** A program with its arguments, no shell; {name} stands for the name of an object. */
const objectCommand = z
  .array(z.string().min(1))
  .min(2)
  .max(50)
  .refine(
    ([, ...args]) => args.some((argument) => argument.includes('{name}')),
    'expected an argument with {name}, where the name of the object goes',
  )

const backupSchema = z
  .strictObject({
    directory: file.optional(),
    /** Stores an object: its content on standard input, exit code 0. */
    to_command: objectCommand.optional(),
    /** Fetches an object: its content on standard output. */
    from_command: objectCommand.optional(),
    /** Of one object. */
    timeout: duration.default(600_000),
    ...cronSchedule('17 * * * *'),
  })
  .refine(
    (b) => (b.directory === undefined) !== (b.to_command === undefined),
    'expected either directory or to_command',
  )
  .refine(
    (b) => b.from_command === undefined || b.to_command !== undefined,
    'expected from_command beside to_command',
  )

const restoreDrillSchema = z.strictObject({
  enabled: z.boolean().default(true),
  /** Where there is room for the journal and two stores. Default: the directory for temporary files. */
  directory: file.optional(),
  /** Verifier keys that are kept elsewhere. Default: those of the journal. */
  trust_file: file.optional(),
  ...cronSchedule('43 2 1 1,4,7,10 *'),
})

/** Observations are recorded in full once a day, and what repeats them refers to them: both must be there for a day at least. */
const MIN_KEPT = 172_800_000

const keptFor = duration.refine((ms) => ms >= MIN_KEPT, 'expected at least 2d')

/** What of the journal is kept, and for how long; absent: all of it, for ever. */
const retentionSchema = z
  .strictObject({
    /** Of everything. */
    keep: keptFor.optional(),
    /** Of single kinds of records, where that is shorter. */
    kinds: z.partialRecord(z.enum(PRUNABLE_KINDS), keptFor).default({}),
    /** Stands in the journal beside what was taken out. */
    reason: z.string().min(1).max(500),
    ...cronSchedule('20 3 * * *'),
  })
  .refine((r) => r.keep !== undefined || Object.keys(r.kinds).length > 0, 'expected keep, kinds, or both')

export const configSchema = z.strictObject({
  /** Name of this vigil in its journal, for ever: a DNS-like name without scheme. */
  origin: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9.\-/]{0,120}$/, 'expected a name like vigil.example.org/zone-a')
    .default('vigil.local'),
  /** From where the probes look. */
  vantage: id.default('default'),
  /** Where Filebeats ship logs to. */
  beats: beatsSchema.optional(),
  journal: z
    .strictObject({
      directory: file.default('journal'),
      /** Ed25519 key, PKCS#8 PEM; the post-quantum key stands beside it. */
      key_file: file.optional(),
      /** Signs instead of the key in the file: a program with its arguments, message on standard input, raw signature on standard output. */
      sign_command: z.array(z.string().min(1)).min(1).max(50).optional(),
      /** The public key of that, in PEM. */
      public_key_file: file.optional(),
      /** A timestamping authority (RFC 3161) that says when the checkpoint of each hour was seen. */
      timestamps: z.strictObject({ url: probedUrl, ca_file: file }).optional(),
      retention: retentionSchema.optional(),
    })
    .refine(
      (j) => (j.sign_command === undefined) === (j.public_key_file === undefined),
      'expected sign_command and public_key_file together',
    )
    .prefault({}),
  store: z.strictObject({ file: file.default('vigil.db') }).prefault({}),
  /** A second projection of the journal, beside the embedded store. */
  elasticsearch: elasticsearch.optional(),
  server: z
    .strictObject({
      listen: endpoint.default('127.0.0.1:9480'),
      /** Further values of the Host header that are ours, as browsers and scrapers send them: `vigil.example.org`. */
      allowed_hosts: z.array(hostHeader).max(100).default([]),
    })
    .prefault({}),
  inventory: inventorySchema,
  probes: z
    .strictObject({
      interval: duration.default(60_000),
      timeout: duration.default(10_000),
      crl: schedule
        .extend({
          /** A server that says that a CRL has not changed is believed for this long; then it is fetched and verified whole. */
          full_every: duration.default(3_600_000),
        })
        .prefault({}),
      ocsp: schedule.prefault({}),
      /** Many questions to one responder, one after another. */
      ocsp_matrix: z
        .strictObject({ interval: duration.default(3_600_000), timeout: duration.default(30_000) })
        .prefault({}),
      tls: schedule.prefault({}),
      mtls: z
        .strictObject({ interval: duration.default(86_400_000), timeout: duration.default(60_000) })
        .prefault({}),
      /** What an authority publishes of itself changes with its certificate. */
      ca: z
        .strictObject({ interval: duration.default(3_600_000), timeout: duration.default(30_000) })
        .prefault({}),
      health: schedule.prefault({}),
      /** What the logs of the authorities say, beside what is published and served. */
      reconciliation: schedule.prefault({}),
      /** Questions about certificates that the logs say are revoked, one after another. */
      ocsp_revocations: schedule.prefault({}),
      /** Largest body that is read, in octets. */
      max_size: z
        .int()
        .min(1024)
        .max(1024 * 1024 * 1024)
        .default(64 * 1024 * 1024),
      concurrency: z.int().min(1).max(1000).default(20),
      /** Of these, against one host and port. */
      concurrency_per_host: z.int().min(1).max(1000).default(2),
      /** Addresses of names, before hosts file and DNS: each node behind a balancer can be watched by a name of its own. */
      hosts: z.record(hostName, z.array(ipAddress).min(1).max(MAX_ADDRESSES)).default({}),
      /** Networks that are not public, and into which redirects and URLs inside certificates are followed all the same. */
      follow: z.array(network).max(100).default([]),
    })
    .prefault({}),
  rules: z
    .strictObject({
      packs: z.array(z.string()).default(['internal-pki', 'operations']),
      /** Rule id to parameter name to value: `crl_freshness_ok: { max_age: 2h }`. */
      parameters: z.record(z.string(), z.record(z.string(), parameter)).default({}),
      /** Findings that alert nobody for a while, with who answers for that. */
      waivers: z.array(waiver).max(1000).default([]),
      /** How often time alone is judged. */
      tick: duration.default(10_000),
    })
    .prefault({}),
  /** Service level objectives. Absent: none are computed. `{}`: the usual ones. */
  slos: slosSchema.optional(),
  /** Times that count for no objective, and in which findings alert nobody. */
  maintenance: maintenanceSchema.default([]),
  /** Journals of other vigils: mirrored, verified and cosigned. */
  follow: z.array(followSchema).max(100).default([]),
  /** Signed statements about what no probe can observe. */
  attestations: z
    .strictObject({
      directory: file,
      /** Verifier keys of those who may sign: `name+id+key`, as `vigil attest` prints them. */
      keys: z.array(z.string().min(1)).min(1).max(100),
    })
    .optional(),
  alerts: z
    .strictObject({
      /** One or several; every one is told everything. */
      alertmanager: z
        .union([httpUrl, z.array(httpUrl).min(1).max(MAX_ALERTMANAGERS)])
        .transform((urls) => (typeof urls === 'string' ? [urls] : urls))
        .optional(),
      interval: duration.default(60_000),
      /** Where docs/ is published, for the runbook_url of alerts. */
      runbooks: httpUrl.optional(),
    })
    .prefault({}),
  /** Of the journal, made by the running vigil; absent: only `vigil backup` makes them. */
  backup: backupSchema.optional(),
  /** Whether the backup can be restored; tried where there is one. */
  restore_drill: restoreDrillSchema.prefault({}),
  /** Monthly reports, written by the running vigil; absent: only `vigil report` writes them. */
  reports: z
    .strictObject({
      /** A folder for each month comes into it. */
      directory: file,
      /** When the report of the month before is due: a cron expression. */
      schedule: z.string().default('30 5 1 * *'),
      /** IANA time zone of the schedule. */
      timezone: z.string().default('UTC'),
      /** Verifier keys of cosigners that reports believe as to what is anchored. */
      trust_file: file.optional(),
      /** Checkpoints of this journal that were fetched from who kept or cosigned them: `checkpoint` in a follower's mirror. */
      checkpoints: z.array(file).max(100).default([]),
    })
    .optional(),
  remediation: z
    .strictObject({
      dry_run: z.boolean().default(false),
      /** No second request for the same action on the same thing within this time. */
      cool_down: duration.default(900_000),
      /** How long the repair may take to show on the wire. */
      deadline: duration.default(600_000),
      webhook: z.strictObject({ url: httpUrl, secret_file: file }).optional(),
      policies: z
        .array(z.strictObject({ rule: z.string(), action: z.enum(['reissue_crl', 'rotate_certificate']) }))
        .default([]),
    })
    .prefault({}),
})

export type Config = z.output<typeof configSchema>
export type Inventory = z.output<typeof inventorySchema>
export type AuthorityConfig = Inventory['authorities'][number]
export type SystemConfig = Inventory['systems'][number]
export type ServiceConfig = Inventory['services'][number]
export type WaiverConfig = Config['rules']['waivers'][number]
export type LogConfig = Inventory['logs'][number]
