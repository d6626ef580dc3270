import { resolve } from 'node:path'
import type { Cron } from 'croner'
import { JournalError } from '../../journal/error.ts'
import { parseVerifierKeys } from '../../journal/note.ts'
import { messageOf } from '../../model/thrown.ts'
import { parseCertificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import type { AttestationSource } from '../../probes/attestations.ts'
import { parseSecret } from '../../remediation/standardWebhooks.ts'
import type { ElasticsearchOptions } from '../../store/elasticsearch/store.ts'
import type { BackupPlace } from '../backupPlace.ts'
import { followedJournal, type FollowedJournal } from '../followers.ts'
import type { RetentionPolicy } from '../retention.ts'
import { parseSchedule } from '../schedule.ts'
import type { TimestampAuthority } from '../timestamps.ts'
import type { Declared, Path } from './declared.ts'

// What vigil works with besides the PKI: who signs statements, other journals, the control plane, stores, reports.

/** Where monthly reports go, and when; whom to believe as to what is anchored. */
export interface ReportPlan {
  readonly directory: string
  readonly cron: Cron
  /** File with verifier keys of cosigners. */
  readonly trust: string | undefined
  /** Files that are fetched from followers meanwhile. */
  readonly checkpoints: readonly string[]
}

/** Where backups go and when, and when it is tried whether they can be restored. */
export interface BackupPlan {
  readonly place: BackupPlace
  readonly cron: Cron
  readonly drill: DrillPlan | undefined
}

interface DrillPlan {
  readonly cron: Cron
  /** Absolute; undefined: the directory for temporary files. */
  readonly scratch: string | undefined
  /** Verifier keys; undefined: those of the journal. */
  readonly trust: string | undefined
}

export function backupOf(from: Declared): BackupPlan | undefined {
  const { config, directory: base } = from.file
  const { backup, restore_drill: drilled } = config
  if (backup === undefined) return undefined
  const cron = scheduleOf(from, ['backup'], backup)
  const drillCron = scheduleOf(from, ['restore_drill'], drilled)
  const trust =
    drilled.trust_file === undefined
      ? undefined
      : from.read(['restore_drill', 'trust_file'], drilled.trust_file)?.toString('utf8')
  const { directory, to_command: to, from_command: fetch, timeout } = backup
  if (to !== undefined && fetch === undefined && drilled.enabled)
    from.refuse(
      ['backup', 'from_command'],
      'is missing: the restore drill fetches with it; add it, or restore_drill: { enabled: false }',
    )
  if (cron === undefined || drillCron === undefined) return undefined
  return {
    place:
      directory === undefined
        ? { kind: 'objects', to, from: fetch, timeout }
        : { kind: 'directory', directory: resolve(base, directory) },
    cron,
    drill: drilled.enabled
      ? {
          cron: drillCron,
          scratch: drilled.directory === undefined ? undefined : resolve(base, drilled.directory),
          trust,
        }
      : undefined,
  }
}

export function attestationsOf(from: Declared): AttestationSource | undefined {
  const { config, directory } = from.file
  if (config.attestations === undefined) return undefined
  const keys = config.attestations.keys.flatMap((text, i) => {
    const path = ['attestations', 'keys', i]
    try {
      const parsed = parseVerifierKeys(text.trim())
      if (parsed.length === 1) return parsed
      from.refuse(path, `expected one verifier key, got ${parsed.length}`)
    } catch (error) {
      if (!(error instanceof JournalError)) throw error
      from.refuse(path, `${error.message}: vigil attest prints it`)
    }
    return []
  })
  return { directory: resolve(directory, config.attestations.directory), keys }
}

export function followedOf(from: Declared): readonly FollowedJournal[] {
  const { config, directory } = from.file
  const seen = new Set<string>()
  return config.follow.flatMap((entry, i) => {
    const { vkey, vkey_file } = entry
    const name = vkey_file === undefined ? 'vkey' : 'vkey_file'
    const text = vkey_file === undefined ? vkey : from.text(['follow', i, name], vkey_file)
    if (text === undefined) return []
    try {
      const journal = followedJournal(entry, text, directory)
      if (!seen.has(journal.log)) {
        seen.add(journal.log)
        return [journal]
      }
      from.refuse(['follow', i, name], `${journal.log} is followed already`)
    } catch (error) {
      if (!(error instanceof JournalError)) throw error
      from.refuse(['follow', i, name], `${error.message}: it stands in the file vkey of its journal`)
    }
    return []
  })
}

export function webhookSecretOf(from: Declared): Uint8Array | undefined {
  const { webhook } = from.file.config.remediation
  if (webhook === undefined) return undefined
  const path = ['remediation', 'webhook', 'secret_file']
  const text = from.read(path, webhook.secret_file)?.toString('utf8').trim()
  try {
    return text === undefined ? undefined : parseSecret(text)
  } catch (error) {
    from.refuse(path, `${webhook.secret_file}: ${messageOf(error)}`)
    return undefined
  }
}

export function timestampsOf(from: Declared): TimestampAuthority | undefined {
  const { timestamps } = from.file.config.journal
  if (timestamps === undefined) return undefined
  const path = ['journal', 'timestamps', 'ca_file']
  const bytes = from.read(path, timestamps.ca_file)
  try {
    const trusted = decodeCertificates(bytes ?? new Uint8Array()).map(
      (der) => [parseCertificate(der)] as const,
    )
    return { url: timestamps.url, trusted }
  } catch (error) {
    if (!(error instanceof PkiError)) throw error
    if (bytes !== undefined)
      from.refuse(path, `${timestamps.ca_file}: expected certificates: ${error.message}`)
    return undefined
  }
}

export function elasticsearchOf(from: Declared): ElasticsearchOptions | undefined {
  const { elasticsearch } = from.file.config
  if (elasticsearch === undefined) return undefined
  const { url, prefix, username, password_file, api_key_file, ca_file } = elasticsearch
  const read = (key: 'password_file' | 'api_key_file' | 'ca_file', name: string | undefined): string => {
    if (name === undefined) return ''
    const bytes = from.read(['elasticsearch', key], name)
    const text = bytes?.toString('utf8').trim() ?? ''
    if (bytes !== undefined && text === '') from.refuse(['elasticsearch', key], `${name}: is empty`)
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

export function reportsOf(from: Declared): ReportPlan | undefined {
  const { config, directory } = from.file
  if (config.reports === undefined) return undefined
  const { trust_file: trust, checkpoints } = config.reports
  const cron = scheduleOf(from, ['reports'], config.reports)
  if (trust !== undefined) from.read(['reports', 'trust_file'], trust)
  checkpoints.forEach((name, i) => from.read(['reports', 'checkpoints', i], name))
  if (cron === undefined) return undefined
  return {
    directory: resolve(directory, config.reports.directory),
    cron,
    trust: trust === undefined ? undefined : resolve(directory, trust),
    checkpoints: checkpoints.map((name) => resolve(directory, name)),
  }
}

export function retentionOf(from: Declared): RetentionPolicy | undefined {
  const { retention } = from.file.config.journal
  if (retention === undefined) return undefined
  const cron = scheduleOf(from, ['journal', 'retention'], retention)
  const { keep, kinds, reason } = retention
  return cron === undefined ? undefined : { keep, kinds, reason, cron }
}

function scheduleOf(
  from: Declared,
  path: readonly string[],
  { schedule, timezone }: { readonly schedule: string; readonly timezone: string },
): Cron | undefined {
  try {
    return parseSchedule(schedule, timezone)
  } catch (error) {
    const why = messageOf(error)
    from.refuse([...path, 'schedule'], `"${schedule}" in ${timezone} is not a time that comes: ${why}`)
    return undefined
  }
}

/** What stands in the file goes into the journal, and the journal goes to auditors. */
export function refuseLiteralPasswords(from: Declared): void {
  const written = valueAt(from.file.recorded, ['alerts', 'alertmanager'])
  const alertmanagers = Array.isArray(written)
    ? written.map((_, i) => ['alerts', 'alertmanager', i])
    : [['alerts', 'alertmanager']]
  for (const path of [...alertmanagers, ['remediation', 'webhook', 'url']]) refuseLiteralPassword(from, path)
}

function refuseLiteralPassword(from: Declared, path: Path): void {
  const written = valueAt(from.file.recorded, path)
  if (typeof written !== 'string' || !URL.canParse(written)) return
  const { password } = new URL(written)
  if (password !== '' && !decodeURIComponent(password).startsWith('${'))
    from.refuse(path, 'a password stands in the file: write it as ${NAME} and set that environment variable')
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>(
    (at, key) => (typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined),
    value,
  )
}
