import type { KeyObject } from 'node:crypto'
import { isDeepStrictEqual } from 'node:util'
import { UNPARSED } from '../../collectors/formats/unparsed.ts'
import { FORMATS } from '../../collectors/formats/table.ts'
import type { Format, FormatContext, KnownAuthority } from '../../collectors/format.ts'
import { interpret } from '../../collectors/interpret.ts'
import { recordOf } from '../../collectors/recordOf.ts'
import type { Damage } from '../../collectors/source.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { LogConfig } from '../../model/config.ts'
import type { SealedRecord } from '../../model/record.ts'
import type { RecordId } from '../../model/recordId.ts'
import type { RecordedConfiguration } from './recordedConfiguration.ts'

/** Differences that are named; more are counted. */
const MAX_NAMED = 100

export interface EventDifference {
  readonly record: RecordId
  readonly log: string
  /** `pki.serial` */
  readonly member: string
  readonly recorded: unknown
  readonly recomputed: unknown
}

export interface EventReport {
  /** Events that were read again from the raw record in them. */
  readonly recomputed: number
  readonly different: number
  /** Of those recomputed: recorded as not understood, since their record was damaged. */
  readonly damaged: number
  /** What vigil itself says of a log, which has no raw record; and logs that no configuration names. */
  readonly notRecomputable: number
  readonly differences: readonly EventDifference[]
}

const DAMAGES: readonly Damage[] = ['cut', 'nul', 'torn']

interface Log {
  readonly format: Format
  readonly context: Omit<FormatContext, 'received'>
}

/** Reads the raw records in audit events again. */
export class EventReplay {
  #logs: ReadonlyMap<string, Log> = new Map()
  readonly #counts = { recomputed: 0, different: 0, damaged: 0, notRecomputable: 0 }
  readonly #differences: EventDifference[] = []

  /** From here on; undefined: it cannot be used. */
  configure(configuration: RecordedConfiguration | undefined): void {
    const { config, issuers, logSigners } = configuration ?? {}
    const authorities = [...(issuers?.values() ?? [])].map(({ id, certificate }) => ({
      id,
      subject: certificate.subject.text,
    }))
    this.#logs = new Map(
      config?.inventory.logs.map((log) => [
        log.id,
        logOf(log, { authorities, signers: logSigners?.get(log.id) ?? [] }),
      ]),
    )
  }

  add({ id, time, body }: SealedRecord & { readonly kind: 'audit' }): void {
    const log = this.#logs.get(body.position.source)
    if (log === undefined || body.event.module === 'vigil') {
      this.#counts.notRecomputable++
      return
    }
    this.#counts.recomputed++
    let members = differences(body, read(log, body, undefined))
    if (members.length > 0 && body.event.action === UNPARSED) {
      const isDamaged = DAMAGES.some((damage) => differences(body, read(log, body, damage)).length === 0)
      if (isDamaged) {
        this.#counts.damaged++
        members = []
      }
    }
    if (time !== body['@timestamp'])
      members = [...members, { member: 'time', recorded: time, recomputed: body['@timestamp'] }]
    if (members.length === 0) return
    this.#counts.different++
    for (const member of members)
      if (this.#differences.length < MAX_NAMED)
        this.#differences.push({ record: id, log: body.position.source, ...member })
  }

  end(): EventReport {
    return { ...this.#counts, differences: this.#differences }
  }
}

function logOf(
  log: LogConfig,
  { authorities, signers }: { authorities: readonly KnownAuthority[]; signers: readonly KeyObject[] },
): Log {
  const own = authorities.filter(({ id }) => log.authorities.length === 0 || log.authorities.includes(id))
  return {
    format: FORMATS[log.format]({ json: log.json, signers }),
    context: {
      authorities: own,
      ...(log.timezone === undefined ? {} : { timeZone: log.timezone }),
    },
  }
}

/** A record without a time of its own has the one at which it was read. */
function read({ format, context }: Log, event: AuditEvent, damage: Damage | undefined): AuditEvent {
  const record = { ...recordOf(event), ...(damage === undefined ? {} : { damage }) }
  return interpret(format, record, { ...context, received: event['@timestamp'] })
}

type MemberDifference = Pick<EventDifference, 'member' | 'recorded' | 'recomputed'>

/** What only the way of a record tells, and its place in the file. */
const NOT_IN_RECORD: ReadonlySet<string> = new Set(['event.id', 'tls'])
/** What the records before it tell, of one that signs them. */
const OF_SEQUENCE: ReadonlySet<string> = new Set([
  'event.outcome',
  'event.reason',
  'pki.signature',
  'pki.details',
])

function differences(recorded: AuditEvent, recomputed: AuditEvent): readonly MemberDifference[] {
  const [one, other] = [recorded, recomputed].map(membersOf)
  const isSigning = recorded.pki?.signature !== undefined
  return [...new Set([...(one?.keys() ?? []), ...(other?.keys() ?? [])])]
    .filter((member) => !NOT_IN_RECORD.has(member) && !(isSigning && OF_SEQUENCE.has(member)))
    .map((member) => ({ member, recorded: one?.get(member), recomputed: other?.get(member) }))
    .filter((pair) => !isDeepStrictEqual(pair.recorded, pair.recomputed))
}

/** Two levels: `event.action`, `pki.serial`. */
function membersOf(event: AuditEvent): ReadonlyMap<string, unknown> {
  return new Map(
    Object.entries(event).flatMap(([group, value]: [string, unknown]) =>
      typeof value === 'object' && value !== null && group !== 'tls'
        ? Object.entries(value).map(([name, one]: [string, unknown]) => [`${group}.${name}`, one] as const)
        : [[group, value] as const],
    ),
  )
}
