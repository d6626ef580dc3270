// An audit log file as EJBCA 7.11 (Log4jDevice) writes it through WildFly's file handler.
import { closeSync, existsSync, ftruncateSync, openSync, renameSync, writeSync } from 'node:fs'
import { toTimestamp, type Clock } from '../model/time.ts'

const CATEGORY = 'org.cesecore.audit.impl.log4j.Log4jDevice'

export interface AuditRecord {
  readonly event: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'VOID'
  readonly module: string
  readonly service: 'CORE' | 'EJBCA'
  /** AUTHTOKEN: subject DN of the administrator's certificate, CLI user, or an internal caller's text. */
  readonly who: string
  /** Usually the CA id. */
  readonly customId?: number
  /** Usually the certificate serial, upper-case hex. */
  readonly detail1?: string
  /** Usually the end entity. */
  readonly detail2?: string
  /** In EJBCA's order; nothing is escaped, as there. */
  readonly details: readonly (readonly [key: string, value: string])[]
}

export interface AuditLog {
  readonly file: string
  /** One line, written at once with O_APPEND. */
  write(record: AuditRecord): void
  /** Moves the file away, as WildFly's periodic rotation does, and starts a new one. Returns the old one's new name. */
  rotate(): string
  /** Nothing is written any more, until what it gives is called. */
  silence(): () => void
  /** Cuts the file at its beginning: what stood in it is gone. */
  truncate(): void
  /** From now on its times are off by so many milliseconds. */
  shift(ms: number): void
  /** A line of server.log, which may stand in the same file; `category` is the class that wrote it. */
  writeServerLine(category: string, text: string): void
  /** Octets that no EJBCA wrote. */
  writeRaw(text: string): void
  close(): void
}

export function openAuditLog(options: { file: string; now: Clock }): AuditLog {
  const { file, now } = options
  let descriptor: number | undefined = openSync(file, 'a', 0o640)
  let lines = 0
  let shifted = 0
  let silenced = 0
  const append = (text: string): void => {
    if (descriptor !== undefined && silenced === 0) writeSync(descriptor, text)
  }
  return {
    file,
    write(record) {
      lines += 1
      append(formatLine(record, now() + shifted, `default task-${(lines % 4) + 1}`))
    },
    silence() {
      silenced += 1
      return () => {
        silenced -= 1
      }
    },
    truncate() {
      if (descriptor !== undefined) ftruncateSync(descriptor)
    },
    shift(ms) {
      shifted += ms
    },
    writeServerLine(category, text) {
      append(`${prefixOf(now() + shifted, category, 'EJB default - 1')}${text}\n`)
    },
    writeRaw: append,
    rotate() {
      const rotated = freeName(`${file}.${toTimestamp(now()).slice(0, 10)}`)
      if (descriptor !== undefined) closeSync(descriptor)
      renameSync(file, rotated)
      descriptor = openSync(file, 'a', 0o640)
      return rotated
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor)
      descriptor = undefined
    },
  }
}

/** WildFly would overwrite an older file of the same day; the lab may rotate more often than daily and keeps all. */
function freeName(wanted: string): string {
  for (let n = 0; ; n += 1) {
    const name = n === 0 ? wanted : `${wanted}.${n}`
    if (!existsSync(name)) return name
  }
}

/** WildFly's prefix `%d{yyyy-MM-dd HH:mm:ss,SSS} %-5p [%c] (%t) `, in a server whose zone is UTC. */
function prefixOf(at: number, category: string, thread: string): string {
  const [date = '', time = ''] = toTimestamp(at).slice(0, -1).split('T')
  return `${date} ${time.replace('.', ',')} INFO  [${category}] (${thread}) `
}

/** The prefix and the Log4jDevice message. */
function formatLine(record: AuditRecord, at: number, thread: string): string {
  const [date = '', time = ''] = toTimestamp(at).slice(0, -1).split('T')
  const message = [
    `${date} ${time.slice(0, 8)}+00:00`,
    record.event,
    record.status,
    record.module,
    record.service,
    record.who,
    record.customId ?? '',
    record.detail1 ?? '',
    record.detail2 ?? '',
    ...record.details.map(([key, value]) => `${key}=${value}`),
  ].join(';')
  return `${prefixOf(at, CATEGORY, thread)}${message}\n`
}

/** Java's String.hashCode, with which EJBCA makes the CA id from the CA's subject DN. */
export function javaHashCode(text: string): number {
  let hash = 0
  for (let i = 0; i < text.length; i += 1) hash = (Math.imul(hash, 31) + text.charCodeAt(i)) | 0
  return hash
}
