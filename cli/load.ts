import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { createSecureContext } from 'node:tls'
import type { Cron } from 'croner'
import type { BeatsListenerOptions } from '../collectors/sources/beats/listener.ts'
import type { AuthorityConfig, Config, LogConfig, ServiceConfig } from '../model/config.ts'
import { byLine, type Problem } from '../model/problem.ts'
import { parseCertificate, type Certificate } from '../pki/certificate.ts'
import { PkiError } from '../pki/error.ts'
import { decodeCertificates } from '../pki/pem.ts'
import { parseListen } from '../server/guard.ts'
import { checkSchedule } from '../probes/crl/schedule.ts'
import type { AttestationSource } from '../probes/attestations.ts'
import type { Issuer, Target } from '../probes/probe.ts'
import { resolveIssuers } from '../probes/issuers.ts'
import { targetsOf } from '../probes/targets.ts'
import type { SigningOptions } from '../journal/keys.ts'
import { parseVerifierKeys } from '../journal/note.ts'
import { JournalError } from '../journal/error.ts'
import { REPAIRABLE } from '../remediation/connector.ts'
import { parseSecret } from '../remediation/standardWebhooks.ts'
import { RulesError } from '../rules/error.ts'
import { loadPack } from '../rules/loadPack.ts'
import { checkPacks, type Pack } from '../rules/pack.ts'
import { judgedSubjects } from '../rules/subjects.ts'
import type { WatchedTarget } from '../rules/subjects.ts'
import { checkWaivers, expiredWaivers } from '../rules/waivers.ts'
import type { ApiAccess } from '../collectors/sources/api/client.ts'
import type { ElasticsearchOptions } from '../store/elasticsearch/store.ts'
import { followedJournal, type FollowedJournal } from './followers.ts'
import { loadObjectives, type Objectives } from './objectives.ts'
import { parseSchedule } from './reportSchedule.ts'
import { watchedByItself } from './selfTarget.ts'
import { CurrentFile } from './currentFile.ts'
import type { TimestampAuthority } from './timestamps.ts'
import { readConfigFile, unreadable, type ConfigFile, type Parsed } from './config.ts'

/** A configuration with everything that it refers to, read and checked. */
export interface LoadedConfig extends Objectives {
  readonly config: Config
  readonly file: string
  /** What the journal keeps of the file: values as written, secrets only as references. */
  readonly recorded: unknown
  readonly issuers: ReadonlyMap<string, Issuer>
  readonly targets: readonly Target[]
  readonly packs: readonly Pack[]
  readonly webhookSecret: Uint8Array | undefined
  readonly timestamps: TimestampAuthority | undefined
  readonly elasticsearch: ElasticsearchOptions | undefined
  /** Absolute directory of signed statements, and the keys that count. */
  readonly attestations: AttestationSource | undefined
  /** Journals of others, and what is needed to mirror them. */
  readonly followed: readonly FollowedJournal[]
  /** What does not keep vigil from starting, and should be put right. */
  readonly warnings: readonly Problem[]
  readonly reports: { readonly directory: string; readonly cron: Cron } | undefined
  /** Absolute. */
  readonly journalDirectory: string
  readonly keyFile: string
  readonly signCommand: SigningOptions['signCommand']
  readonly storeFile: string
  readonly logPaths: ReadonlyMap<string, string>
  /** Where Filebeats connect. */
  readonly beats: BeatsFiles | undefined
  /** How the APIs of logs are reached, by the log's id. */
  readonly logAccess: ReadonlyMap<string, ApiAccess>
  /** Keys that sign a log, by its id. */
  readonly logSigners: ReadonlyMap<string, readonly KeyObject[]>
}

type BeatsFiles = Omit<BeatsListenerOptions, 'onProblem'>

/** Largest certificate, key or secret that is taken, in octets. */
const MAX_SMALL_FILE = 1024 * 1024

type Path = Problem['path']

export interface LoadOptions {
  /** Milliseconds. Default: the present. */
  readonly now?: number
  /**
   * What to make of waivers that have ended: a mistake (the default), or a warning, where refusing would leave the PKI unwatched because a process
   * was restarted a day later.
   */
  readonly endedWaivers?: 'refuse' | 'warn'
}

/** Reads the configuration and every file that it names; reports all mistakes at once. */
export function loadConfig(
  file: string,
  env: NodeJS.ProcessEnv,
  options: LoadOptions = {},
): Parsed<LoadedConfig> {
  const parsed = readConfigFile(file, env)
  return parsed.ok ? new Loader(parsed.value, options).load() : parsed
}

class Loader {
  readonly #file: ConfigFile
  readonly #options: LoadOptions
  readonly #problems: Problem[] = []
  readonly #warnings: Problem[] = []

  constructor(file: ConfigFile, options: LoadOptions) {
    this.#file = file
    this.#options = options
  }

  load(): Parsed<LoadedConfig> {
    const { config, directory } = this.#file
    this.#refuseDuplicates()
    const issuers = this.#issuers()
    const knownGood = this.#knownGood()
    const issued = this.#issued()
    const credentials = this.#credentials()
    const anchors = this.#anchors()
    const packs = this.#packs()
    const webhookSecret = this.#webhookSecret()
    const timestamps = this.#timestamps()
    const elasticsearch = this.#elasticsearch()
    const reports = this.#reports()
    const attestations = this.#attestations()
    const followed = this.#followed()
    const logSigners = this.#logSigners()
    const beats = this.#beats()
    const logAccess = this.#logAccess()
    this.#checkReferences(packs)
    this.#refuseLiteralPasswords()
    const isSound = this.#problems.length === 0
    const certificateFiles = this.#certificateFiles()
    const sources = {
      config,
      authorities: issuers,
      issued,
      knownGood,
      credentials,
      anchors,
      certificateFiles,
    }
    const targets = isSound ? targetsOf(sources) : []
    const objectives = isSound ? this.#objectives(packs, targets) : { objectives: [], watched: [] }
    const watched = [
      ...objectives.watched,
      ...watchedByItself(config),
      ...followed.map((journal) => journal.watched),
    ]
    if (isSound) this.#checkWaivers(packs, watched)
    if (this.#problems.length > 0) return { ok: false, problems: byLine(this.#problems) }

    const journalDirectory = resolve(directory, config.journal.directory)
    return {
      ok: true,
      value: {
        config,
        file: this.#file.file,
        recorded: this.#file.recorded,
        issuers,
        targets,
        ...objectives,
        watched,
        packs,
        webhookSecret,
        timestamps,
        elasticsearch,
        attestations,
        followed,
        warnings: this.#warnings,
        reports,
        journalDirectory,
        // Beside the journal, never in it: whoever copies the evidence must not get the key.
        keyFile:
          config.journal.key_file === undefined
            ? `${journalDirectory}.key`
            : resolve(directory, config.journal.key_file),
        signCommand:
          config.journal.sign_command === undefined || config.journal.public_key_file === undefined
            ? undefined
            : {
                command: config.journal.sign_command,
                publicKeyFile: resolve(directory, config.journal.public_key_file),
              },
        storeFile: resolve(directory, config.store.file),
        logPaths: new Map(
          config.inventory.logs.flatMap(({ id, path }) =>
            path === undefined ? [] : [[id, resolve(directory, path)]],
          ),
        ),
        beats,
        logAccess,
        logSigners,
      },
    }
  }

  #refuse(path: Path, message: string): void {
    this.#problems.push(this.#file.problem(path, message))
  }

  #read(path: Path, name: string): Buffer | undefined {
    try {
      const bytes = readFileSync(resolve(this.#file.directory, name))
      if (bytes.length <= MAX_SMALL_FILE) return bytes
      this.#refuse(path, `${name}: larger than 1 MiB: is this the right file?`)
    } catch (error) {
      this.#refuse(path, `${name}: ${unreadable(error)}`)
    }
    return undefined
  }

  /** The first of a file. */
  #beats(): BeatsFiles | undefined {
    const { beats, inventory } = this.#file.config
    inventory.logs.forEach((log, i) => {
      if (log.beats !== undefined && beats === undefined)
        this.#refuse(
          ['inventory', 'logs', i, 'beats'],
          'nobody can ship it: `beats` with an address to listen on is missing',
        )
    })
    if (beats === undefined) return undefined
    const read = (key: 'certificate_file' | 'key_file' | 'client_ca_file'): string =>
      this.#read(['beats', key], beats[key])?.toString('utf8') ?? ''
    const files = {
      certificate: read('certificate_file'),
      key: read('key_file'),
      clientCa: read('client_ca_file'),
    }
    try {
      createSecureContext({ cert: files.certificate, key: files.key, ca: files.clientCa })
    } catch (error) {
      this.#refuse(
        ['beats'],
        `not a certificate with its key, and CAs, in PEM: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
    return { ...parseListen(beats.listen), ...files }
  }

  #logAccess(): Map<string, ApiAccess> {
    const access = new Map<string, ApiAccess>()
    this.#file.config.inventory.logs.forEach(({ id, certctl, dagster, elasticsearch }, i) => {
      const path = ['inventory', 'logs', i]
      if (certctl !== undefined)
        access.set(id, {
          url: certctl.url,
          headers: {
            authorization: `Bearer ${this.#secret([...path, 'certctl', 'api_key_file'], certctl.api_key_file)}`,
          },
          ...this.#caOf([...path, 'certctl', 'ca_file'], certctl.ca_file),
        })
      if (dagster !== undefined) {
        const secret = (key: 'authorization_file' | 'token_file', header: string): ApiAccess['headers'] =>
          dagster[key] === undefined
            ? {}
            : { [header]: this.#secret([...path, 'dagster', key], dagster[key]) }
        access.set(id, {
          url: dagster.url,
          headers: {
            ...secret('authorization_file', 'authorization'),
            ...secret('token_file', 'dagster-cloud-api-token'),
          },
          ...this.#caOf([...path, 'dagster', 'ca_file'], dagster.ca_file),
        })
      }
      if (elasticsearch !== undefined)
        access.set(id, {
          url: elasticsearch.url,
          headers: this.#elasticsearchLogin([...path, 'elasticsearch'], elasticsearch),
          ...this.#caOf([...path, 'elasticsearch', 'ca_file'], elasticsearch.ca_file),
        })
    })
    return access
  }

  #elasticsearchLogin(
    path: Path,
    { username, password_file, api_key_file }: NonNullable<LogConfig['elasticsearch']>,
  ): ApiAccess['headers'] {
    if (api_key_file !== undefined)
      return { authorization: `ApiKey ${this.#secret([...path, 'api_key_file'], api_key_file)}` }
    if (username === undefined || password_file === undefined) return {}
    const pair = `${username}:${this.#secret([...path, 'password_file'], password_file)}`
    return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
  }

  /** One line that goes into a header. */
  #secret(path: Path, name: string): string {
    const text = this.#read(path, name)?.toString('utf8').trim()
    if (text === '') this.#refuse(path, `${name}: is empty`)
    else if (text !== undefined && !/^[\x20-\x7e]+$/.test(text))
      this.#refuse(path, `${name}: expected one line of printable characters`)
    return text ?? ''
  }

  #caOf(path: Path, name: string | undefined): { readonly ca?: string } {
    if (name === undefined) return {}
    const ca = this.#read(path, name)?.toString('utf8') ?? ''
    // TLS itself takes anything, and then trusts nobody.
    if (ca !== '' && !ca.includes('-----BEGIN CERTIFICATE-----'))
      this.#refuse(path, `${name}: expected CA certificates in PEM`)
    return { ca }
  }

  #logSigners(): Map<string, KeyObject[]> {
    return new Map(
      this.#file.config.inventory.logs.map(({ id, signing_keys = [] }, i) => [
        id,
        signing_keys.flatMap(
          (name, k) => this.#publicKey(['inventory', 'logs', i, 'signing_keys', k], name) ?? [],
        ),
      ]),
    )
  }

  /** Of a certificate or by itself. */
  #publicKey(path: Path, name: string): KeyObject | undefined {
    const bytes = this.#read(path, name)
    if (bytes === undefined) return undefined
    try {
      return createPublicKey(bytes)
    } catch {
      this.#refuse(path, `${name}: expected a certificate or a public key in PEM`)
      return undefined
    }
  }

  #certificate(path: Path, name: string): Certificate | undefined {
    return this.#certificates(path, name)[0]
  }

  /** All of a file; none was reported. */
  #certificates(path: Path, name: string): readonly Certificate[] {
    const bytes = this.#read(path, name)
    if (bytes === undefined) return []
    try {
      const found = decodeCertificates(bytes).map((der) => parseCertificate(der))
      if (found.length === 0) this.#refuse(path, `${name}: expected a certificate in PEM or DER`)
      return found
    } catch (error) {
      if (!(error instanceof PkiError)) throw error
      this.#refuse(path, `${name}: not a certificate: ${error.message}`)
      return []
    }
  }

  /** Duplicate authorities are found with their issuers. */
  #refuseDuplicates(): void {
    const { authorities, services, systems, logs } = this.#file.config.inventory
    const refuse = (path: Path, keys: readonly string[], key: string): void => {
      keys.forEach((value, i) => {
        if (keys.indexOf(value) < i)
          this.#refuse([...path, i, key], `"${value}" stands here already: name each once`)
      })
    }
    refuse(
      ['inventory', 'services'],
      services.map((s) => `${s.id},${s.environment}`),
      'id',
    )
    refuse(
      ['inventory', 'logs'],
      logs.map((l) => l.id),
      'id',
    )
    refuse(
      ['inventory', 'systems'],
      systems.map((s) => s.id),
      'id',
    )
    authorities.forEach(({ crl, ocsp }, i) => {
      refuse(
        ['inventory', 'authorities', i, 'crl'],
        crl.map((c) => c.url),
        'url',
      )
      refuse(
        ['inventory', 'authorities', i, 'ocsp'],
        ocsp.map((o) => o.url),
        'url',
      )
    })
  }

  #issuers(): ReadonlyMap<string, Issuer> {
    const { inventory } = this.#file.config
    const certificates = new Map<string, Certificate>()
    inventory.authorities.forEach((authority, i) => {
      const certificate = this.#certificate(
        ['inventory', 'authorities', i, 'certificate'],
        authority.certificate,
      )
      if (certificate !== undefined) certificates.set(authority.id, certificate)
    })
    const resolved = resolveIssuers(inventory, certificates)
    if (resolved.ok) return resolved.issuers
    for (const { path, message } of resolved.problems) this.#refuse(path, message)
    return new Map()
  }

  /** Serial numbers of the certificates that responders are asked about, by file name. */
  #knownGood(): ReadonlyMap<string, string> {
    const serials = new Map<string, string>()
    this.#file.config.inventory.authorities.forEach((authority, i) => {
      authority.ocsp.forEach(({ certificate: name }, j) => {
        if (name === undefined) return
        const certificate = this.#certificate(['inventory', 'authorities', i, 'ocsp', j, 'certificate'], name)
        if (certificate !== undefined) serials.set(name, certificate.serial)
      })
    })
    return serials
  }

  /** Certificates that an authority is known to have issued, by its id. */
  #issued(): ReadonlyMap<string, readonly Certificate[]> {
    const { authorities } = this.#file.config.inventory
    return new Map(
      authorities.map(({ id, issued = [] }, i) => [
        id,
        issued.flatMap((name, j) => this.#certificates(['inventory', 'authorities', i, 'issued', j], name)),
      ]),
    )
  }

  /** The prober's own certificates and keys, PEM, by file name. */
  #credentials(): ReadonlyMap<string, CurrentFile> {
    const texts = new Map<string, CurrentFile>()
    const take = (path: Path, files: ServiceConfig['client']): void => {
      if (files === undefined) return
      for (const key of ['certificate_file', 'key_file'] as const) {
        const text = this.#read([...path, key], files[key])?.toString('utf8')
        if (text !== undefined)
          texts.set(files[key], new CurrentFile(resolve(this.#file.directory, files[key]), text))
      }
    }
    const { services, systems } = this.#file.config.inventory
    services.forEach(({ client, mtls }, i) => {
      const path = ['inventory', 'services', i]
      take([...path, 'client'], client)
      for (const key of ['foreign', 'self_signed', 'expired', 'revoked'] as const)
        take([...path, 'mtls', key], mtls?.[key])
    })
    systems.forEach(({ client }, i) => take(['inventory', 'systems', i, 'client'], client))
    return texts
  }

  /** What the https servers of systems may lead to, by file name. */
  #anchors(): ReadonlyMap<string, Certificate> {
    const anchors = new Map<string, Certificate>()
    this.#file.config.inventory.systems.forEach(({ ca_file: name }, i) => {
      const certificate =
        name === undefined ? undefined : this.#certificate(['inventory', 'systems', i, 'ca_file'], name)
      if (name !== undefined && certificate !== undefined) anchors.set(name, certificate)
    })
    return anchors
  }

  /** Files with the newest certificate of a service: they come and go while it is watched, so that only probes read them. */
  #certificateFiles(): ReadonlyMap<string, string> {
    const { config, directory } = this.#file
    return new Map(
      config.inventory.services.flatMap(({ certificate: name }) =>
        name === undefined ? [] : [[name, resolve(directory, name)]],
      ),
    )
  }

  #packs(): readonly Pack[] {
    const { rules } = this.#file.config
    const packs = rules.packs.flatMap((name, i) => {
      try {
        return [loadPack(/[/\\]|\.ya?ml$/.test(name) ? resolve(this.#file.directory, name) : name)]
      } catch (error) {
        if (!(error instanceof RulesError)) throw error
        for (const { file, line, path, message } of error.problems) {
          if (error.code === 'pack_unreadable') this.#refuse(['rules', 'packs', i], message)
          else this.#problems.push({ file, line, path, message })
        }
        return []
      }
    })
    if (packs.length === rules.packs.length)
      for (const { path, message } of checkPacks(packs, rules.parameters)) this.#refuse(path, message)
    return packs
  }

  #objectives(packs: readonly Pack[], probed: readonly Target[]): Objectives {
    const { now = Date.now() } = this.#options
    const { value, problems } = loadObjectives(this.#file.config, { probed, packs, now })
    for (const { path, message } of problems) this.#refuse(path, message)
    return value
  }

  #checkWaivers(packs: readonly Pack[], targets: readonly WatchedTarget[]): void {
    const { rules, inventory } = this.#file.config
    const { now = Date.now(), endedWaivers = 'refuse' } = this.#options
    const judged = judgedSubjects(
      packs.flatMap((pack) => pack.rules),
      inventory,
      targets,
    )
    for (const { path, message } of checkWaivers(rules.waivers, judged, now)) this.#refuse(path, message)
    for (const { path, message } of expiredWaivers(rules.waivers, now)) {
      if (endedWaivers === 'refuse') this.#refuse(path, message)
      else this.#warnings.push(this.#file.problem(path, message))
    }
  }

  #attestations(): AttestationSource | undefined {
    const { config, directory } = this.#file
    if (config.attestations === undefined) return undefined
    const keys = config.attestations.keys.flatMap((text, i) => {
      const path = ['attestations', 'keys', i]
      try {
        const parsed = parseVerifierKeys(text.trim())
        if (parsed.length === 1) return parsed
        this.#refuse(path, `expected one verifier key, got ${parsed.length}`)
      } catch (error) {
        if (!(error instanceof JournalError)) throw error
        this.#refuse(path, `${error.message}: vigil attest prints it`)
      }
      return []
    })
    return { directory: resolve(directory, config.attestations.directory), keys }
  }

  #followed(): readonly FollowedJournal[] {
    const { config, directory } = this.#file
    const seen = new Set<string>()
    return config.follow.flatMap((entry, i) => {
      const { vkey, vkey_file } = entry
      const name = vkey_file === undefined ? 'vkey' : 'vkey_file'
      const text =
        vkey_file === undefined ? vkey : this.#read(['follow', i, name], vkey_file)?.toString('utf8')
      if (text === undefined) return []
      try {
        const journal = followedJournal(entry, text, directory)
        if (!seen.has(journal.log)) {
          seen.add(journal.log)
          return [journal]
        }
        this.#refuse(['follow', i, name], `${journal.log} is followed already`)
      } catch (error) {
        if (!(error instanceof JournalError)) throw error
        this.#refuse(['follow', i, name], `${error.message}: it stands in the file vkey of its journal`)
      }
      return []
    })
  }

  #webhookSecret(): Uint8Array | undefined {
    const { webhook } = this.#file.config.remediation
    if (webhook === undefined) return undefined
    const path = ['remediation', 'webhook', 'secret_file']
    const text = this.#read(path, webhook.secret_file)?.toString('utf8').trim()
    try {
      return text === undefined ? undefined : parseSecret(text)
    } catch (error) {
      this.#refuse(path, `${webhook.secret_file}: ${error instanceof Error ? error.message : String(error)}`)
      return undefined
    }
  }

  #timestamps(): TimestampAuthority | undefined {
    const { timestamps } = this.#file.config.journal
    if (timestamps === undefined) return undefined
    const path = ['journal', 'timestamps', 'ca_file']
    const bytes = this.#read(path, timestamps.ca_file)
    try {
      const trusted = decodeCertificates(bytes ?? new Uint8Array()).map(
        (der) => [parseCertificate(der)] as const,
      )
      return { url: timestamps.url, trusted }
    } catch (error) {
      if (!(error instanceof PkiError)) throw error
      if (bytes !== undefined)
        this.#refuse(path, `${timestamps.ca_file}: expected certificates: ${error.message}`)
      return undefined
    }
  }

  #elasticsearch(): ElasticsearchOptions | undefined {
    const { elasticsearch } = this.#file.config
    if (elasticsearch === undefined) return undefined
    const { url, prefix, username, password_file, api_key_file, ca_file } = elasticsearch
    const read = (key: 'password_file' | 'api_key_file' | 'ca_file', name: string | undefined): string => {
      if (name === undefined) return ''
      const bytes = this.#read(['elasticsearch', key], name)
      const text = bytes?.toString('utf8').trim() ?? ''
      if (bytes !== undefined && text === '') this.#refuse(['elasticsearch', key], `${name}: is empty`)
      return text
    }
    const password = read('password_file', password_file)
    const apiKey = read('api_key_file', api_key_file)
    const ca = read('ca_file', ca_file)
    return {
      url,
      prefix,
      ...(username === undefined ? {} : { credentials: { kind: 'password', username, password } }),
      ...(api_key_file === undefined ? {} : { credentials: { kind: 'api_key', apiKey } }),
      ...(ca_file === undefined ? {} : { ca }),
    }
  }

  #reports(): LoadedConfig['reports'] {
    const { config, directory } = this.#file
    if (config.reports === undefined) return undefined
    const { schedule, timezone } = config.reports
    try {
      return {
        directory: resolve(directory, config.reports.directory),
        cron: parseSchedule(schedule, timezone),
      }
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.#refuse(['reports', 'schedule'], `"${schedule}" in ${timezone} is not a time that comes: ${why}`)
      return undefined
    }
  }

  #checkCrlSchedules(): void {
    this.#file.config.inventory.authorities.forEach(({ crl }, i) =>
      crl.forEach((declared, j) => {
        const path = ['inventory', 'authorities', i, 'crl', j]
        this.#checkCrlSchedule(path, declared)
        if (declared.delta !== undefined) this.#checkCrlSchedule([...path, 'delta'], declared.delta)
      }),
    )
  }

  #checkCrlSchedule(
    path: Path,
    { issued_at, timezone = 'UTC' }: Pick<AuthorityConfig['crl'][number], 'issued_at' | 'timezone'>,
  ): void {
    if (issued_at === undefined) return
    try {
      checkSchedule({ kind: 'cron', expression: issued_at, timezone })
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error)
      this.#refuse([...path, 'issued_at'], `"${issued_at}" in ${timezone} is not a time that comes: ${why}`)
    }
  }

  /** What stands in the file goes into the journal, and the journal goes to auditors. */
  #refuseLiteralPasswords(): void {
    const written = valueAt(this.#file.recorded, ['alerts', 'alertmanager'])
    const alertmanagers = Array.isArray(written)
      ? written.map((_, i) => ['alerts', 'alertmanager', i])
      : [['alerts', 'alertmanager']]
    for (const path of [...alertmanagers, ['remediation', 'webhook', 'url']])
      this.#refuseLiteralPassword(path)
  }

  #refuseLiteralPassword(path: Path): void {
    const written = valueAt(this.#file.recorded, path)
    if (typeof written !== 'string' || !URL.canParse(written)) return
    const { password } = new URL(written)
    if (password !== '' && !decodeURIComponent(password).startsWith('${'))
      this.#refuse(
        path,
        'a password stands in the file: write it as ${NAME} and set that environment variable',
      )
  }

  #checkReferences(packs: readonly Pack[]): void {
    const { inventory, remediation } = this.#file.config
    const authorities = inventory.authorities.map((a) => a.id)
    const refuseUnknown = (path: Path, id: string): void => {
      if (!authorities.includes(id))
        this.#refuse(
          path,
          `"${id}" is not an authority of the inventory: ${authorities.join(', ') || 'there is none'}`,
        )
    }
    inventory.logs.forEach((log, i) =>
      log.authorities.forEach((id, j) => refuseUnknown(['inventory', 'logs', i, 'authorities', j], id)),
    )
    this.#checkCrlSchedules()
    const rules = new Map(packs.flatMap((pack) => pack.rules.map((rule) => [rule.id, rule])))
    remediation.policies.forEach(({ rule: id, action }, i) => {
      const path = ['remediation', 'policies', i]
      const rule = rules.get(id)
      if (rule === undefined) {
        if (rules.size > 0) this.#refuse([...path, 'rule'], `"${id}" is not a rule of the packs in force`)
      } else if (!rule.appliesTo.subjects.some((kind) => REPAIRABLE[action].includes(kind))) {
        const about = rule.appliesTo.subjects.join(', ')
        this.#refuse(
          [...path, 'action'],
          `${action} repairs ${REPAIRABLE[action].join(', ')}; ${id} is about ${about}`,
        )
      }
    })
    if (remediation.policies.length > 0 && remediation.webhook === undefined)
      this.#refuse(
        ['remediation', 'policies'],
        'there is no remediation.webhook that could carry them out: add one, or remove the policies',
      )
  }
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
    value,
  )
}
