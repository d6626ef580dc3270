import type { KeyObject } from 'node:crypto'
import { resolve } from 'node:path'
import type { Config } from '../model/config.ts'
import { byLine, type Problem } from '../model/problem.ts'
import type { AttestationSource } from '../probes/attestations.ts'
import type { SigningOptions } from '../journal/keys.ts'
import { REPAIRABLE } from '../remediation/connector.ts'
import { RulesError } from '../rules/error.ts'
import { loadPack } from '../rules/loadPack.ts'
import { checkPacks, type Pack } from '../rules/pack.ts'
import { judgedSubjects } from '../rules/subjects.ts'
import type { WatchedTarget } from '../rules/subjects.ts'
import { checkWaivers, expiredWaivers } from '../rules/waivers.ts'
import type { ApiAccess } from '../collectors/sources/api/client.ts'
import type { ElasticsearchOptions } from '../store/elasticsearch/store.ts'
import type { RetentionPolicy } from './retention.ts'
import type { TimestampAuthority } from './timestamps.ts'
import { readConfigFile, type ConfigFile, type Parsed } from './config.ts'
import {
  attestationsOf,
  backupOf,
  elasticsearchOf,
  refuseLiteralPasswords,
  reportsOf,
  retentionOf,
  timestampsOf,
  webhookSecretOf,
  type BackupPlan,
  type ReportPlan,
} from './loading/connections.ts'
import { Declared, type Path } from './loading/declared.ts'
import { checkCrlSchedules, credentialsOf, refuseDuplicates } from './loading/inventory.ts'
import { beatsOf, checkLogs, logAccessOf, logSignersOf, type BeatsFiles } from './loading/logs.ts'
import { inputsOf, watchedOf, type RecordedInputs, type Watched } from './loading/watched.ts'

/** A configuration with everything that it refers to, read and checked. */
export interface LoadedConfig extends Watched {
  readonly config: Config
  readonly file: string
  /** What the journal keeps of the file: values as written, secrets only as references. */
  readonly recorded: unknown
  readonly inputs: RecordedInputs
  readonly packs: readonly Pack[]
  readonly webhookSecret: Uint8Array | undefined
  readonly timestamps: TimestampAuthority | undefined
  readonly elasticsearch: ElasticsearchOptions | undefined
  /** Absolute directory of signed statements, and the keys that count. */
  readonly attestations: AttestationSource | undefined
  /** What does not keep vigil from starting, and should be put right. */
  readonly warnings: readonly Problem[]
  readonly reports: ReportPlan | undefined
  readonly backup: BackupPlan | undefined
  /** What of the journal goes, and when; undefined: nothing. */
  readonly retention: RetentionPolicy | undefined
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
  readonly #declared: Declared
  readonly #options: LoadOptions

  constructor(file: ConfigFile, options: LoadOptions) {
    this.#declared = new Declared(file)
    this.#options = options
  }

  load(): Parsed<LoadedConfig> {
    const { config, directory } = this.#declared.file
    refuseDuplicates(this.#declared)
    const credentials = credentialsOf(this.#declared)
    const packs = this.#packs()
    const webhookSecret = webhookSecretOf(this.#declared)
    const timestamps = timestampsOf(this.#declared)
    const elasticsearch = elasticsearchOf(this.#declared)
    const reports = reportsOf(this.#declared)
    const backup = backupOf(this.#declared)
    const attestations = attestationsOf(this.#declared)
    const retention = retentionOf(this.#declared)
    const logSigners = logSignersOf(this.#declared)
    const beats = beatsOf(this.#declared)
    const logAccess = logAccessOf(this.#declared)
    this.#checkReferences(packs)
    refuseLiteralPasswords(this.#declared)
    const { now = Date.now() } = this.#options
    const watched = watchedOf(this.#declared, { packs, credentials, now })
    if (watched !== undefined) this.#checkWaivers(packs, watched.watched)
    if (watched === undefined || this.#declared.problems.length > 0)
      return { ok: false, problems: byLine(this.#declared.problems) }

    const journalDirectory = resolve(directory, config.journal.directory)
    return {
      ok: true,
      value: {
        config,
        file: this.#declared.file.file,
        recorded: this.#declared.file.recorded,
        inputs: inputsOf(this.#declared),
        ...watched,
        packs,
        webhookSecret,
        timestamps,
        retention,
        elasticsearch,
        attestations,
        warnings: this.#declared.warnings,
        reports,
        backup,
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

  #packs(): readonly Pack[] {
    const { rules } = this.#declared.file.config
    const packs = rules.packs.flatMap((name, i) => {
      try {
        return [loadPack(/[/\\]|\.ya?ml$/.test(name) ? resolve(this.#declared.file.directory, name) : name)]
      } catch (error) {
        if (!(error instanceof RulesError)) throw error
        for (const { file, line, path, message } of error.problems) {
          if (error.code === 'pack_unreadable') this.#declared.refuse(['rules', 'packs', i], message)
          else this.#declared.problems.push({ file, line, path, message })
        }
        return []
      }
    })
    if (packs.length === rules.packs.length)
      for (const { path, message } of checkPacks(packs, rules.parameters))
        this.#declared.refuse(path, message)
    return packs
  }

  #checkWaivers(packs: readonly Pack[], targets: readonly WatchedTarget[]): void {
    const { rules, inventory } = this.#declared.file.config
    const { now = Date.now(), endedWaivers = 'refuse' } = this.#options
    const judged = judgedSubjects(
      packs.flatMap((pack) => pack.rules),
      inventory,
      targets,
    )
    for (const { path, message } of checkWaivers(rules.waivers, judged, now))
      this.#declared.refuse(path, message)
    for (const { path, message } of expiredWaivers(rules.waivers, now)) {
      if (endedWaivers === 'refuse') this.#declared.refuse(path, message)
      else this.#declared.warnings.push(this.#declared.file.problem(path, message))
    }
  }

  #checkReferences(packs: readonly Pack[]): void {
    const { inventory, remediation } = this.#declared.file.config
    const authorities = inventory.authorities.map((a) => a.id)
    const refuseUnknown = (path: Path, id: string): void => {
      if (!authorities.includes(id))
        this.#declared.refuse(
          path,
          `"${id}" is not an authority of the inventory: ${authorities.join(', ') || 'there is none'}`,
        )
    }
    inventory.logs.forEach((log, i) =>
      log.authorities.forEach((id, j) => refuseUnknown(['inventory', 'logs', i, 'authorities', j], id)),
    )
    checkCrlSchedules(this.#declared)
    checkLogs(this.#declared)
    const rules = new Map(packs.flatMap((pack) => pack.rules.map((rule) => [rule.id, rule])))
    remediation.policies.forEach(({ rule: id, action }, i) => {
      const path = ['remediation', 'policies', i]
      const rule = rules.get(id)
      if (rule === undefined) {
        if (rules.size > 0)
          this.#declared.refuse([...path, 'rule'], `"${id}" is not a rule of the packs in force`)
      } else if (!rule.appliesTo.subjects.some((kind) => REPAIRABLE[action].includes(kind))) {
        const about = rule.appliesTo.subjects.join(', ')
        this.#declared.refuse(
          [...path, 'action'],
          `${action} repairs ${REPAIRABLE[action].join(', ')}; ${id} is about ${about}`,
        )
      }
    })
    if (remediation.policies.length > 0 && remediation.webhook === undefined)
      this.#declared.refuse(
        ['remediation', 'policies'],
        'there is no remediation.webhook that could carry them out: add one, or remove the policies',
      )
  }
}
