import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createReadStream, readFileSync } from 'node:fs'
import type { Readable } from 'node:stream'
import { parse as parseYaml } from 'yaml'
import { readable } from '../../collectors/sources/gunzip.ts'
import { FORMATS } from '../../collectors/formats/table.ts'
import { UNPARSED } from '../../collectors/formats/unparsed.ts'
import { parseRecords } from '../../collectors/parse.ts'
import type { ParsedEvent } from '../../collectors/parse.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import type { LogConfig } from '../../model/config.ts'
import { jsonMapping, timeZone } from '../../model/logSource.ts'
import type { JsonMapping } from '../../model/logSource.ts'
import { messageOf, systemCode } from '../../model/thrown.ts'
import { CommandError, EXIT } from '../exit.ts'
import { printable } from '../terminal.ts'

/** What commander makes of the command line. */
export interface ParseCommandOptions {
  readonly json?: true
  readonly timezone?: string
  readonly signingKey: readonly string[]
  readonly mapping?: string
  readonly source: string
}

/** Octets read at once. */
const CHUNK_OCTETS = 256 * 1024
/** Longest line for people, in characters. */
const MAX_SHOWN = 500

/** Parses one log and prints its events as they come: memory does not grow with the log, and a slow reader is waited for. */
export async function parseFile(name: string, file: string, options: ParseCommandOptions): Promise<void> {
  const format = formatOf(name, options)
  const zone = options.timezone === undefined ? undefined : timeZone.safeParse(options.timezone)
  if (zone?.success === false)
    throw usage(`--timezone: ${zone.error.issues[0]?.message ?? 'not a time zone'}`)
  const input = file === '-' ? process.stdin : createReadStream(file, { highWaterMark: CHUNK_OCTETS })
  const show = options.json === true ? JSON.stringify : inOneLine
  let missed = 0
  try {
    const parsed = parseRecords(readable(chunksOf(input)), {
      format,
      source: options.source,
      now: Date.now,
      ...(zone === undefined ? {} : { timeZone: zone.data }),
    })
    for await (const batch of parsed) {
      const missing = batch.filter(({ event }) => event.event.action === UNPARSED)
      missed += missing.length
      for (const { event, line } of missing)
        await write(
          process.stderr,
          `${printable(file)}:${line}: ${printable(event.event.reason ?? UNPARSED)}\n`,
        )
      await write(process.stdout, batch.map(({ event }: ParsedEvent) => `${show(event)}\n`).join(''))
    }
  } catch (error) {
    if (systemCode(error) === 'EPIPE') return
    throw new CommandError(EXIT.failed, `${file}: ${messageOf(error)}`)
  }
  if (missed > 0) process.exitCode = EXIT.findings
}

/** As octets; a stream could give text. */
async function* chunksOf(input: Readable): AsyncGenerator<Uint8Array> {
  for await (const chunk of input) if (chunk instanceof Uint8Array) yield chunk
}

function formatOf(name: string, options: ParseCommandOptions) {
  if (!isFormat(name)) throw usage(`expected a format, got "${name}"`)
  if ((name === 'json') !== (options.mapping !== undefined))
    throw usage('--mapping is needed for format json, and only there')
  const json = options.mapping === undefined ? undefined : mappingOf(options.mapping)
  return FORMATS[name]({ json, signers: options.signingKey.map(publicKey) })
}

function isFormat(name: string): name is LogConfig['format'] {
  return Object.hasOwn(FORMATS, name)
}

function mappingOf(file: string): JsonMapping {
  const parsed = jsonMapping.safeParse(parseText(file, readInput(file)))
  if (parsed.success) return parsed.data
  const mistakes = parsed.error.issues.map(({ path, message }) => `  ${path.join('.')}: ${message}`)
  throw usage(`${file}: not a mapping:\n${mistakes.join('\n')}`)
}

function parseText(file: string, bytes: Buffer): unknown {
  try {
    return parseYaml(bytes.toString('utf8'), { maxAliasCount: 0 })
  } catch (error) {
    throw usage(`${file}: ${messageOf(error)}`)
  }
}

function publicKey(file: string): KeyObject {
  const bytes = readInput(file)
  try {
    return createPublicKey(bytes)
  } catch {
    throw usage(`${file}: expected a certificate or a public key in PEM`)
  }
}

function readInput(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new CommandError(EXIT.failed, `${file}: ${messageOf(error)}`)
  }
}

function usage(message: string): CommandError {
  return new CommandError(EXIT.usage, message)
}

function inOneLine({ '@timestamp': time, event, user, message, pki }: AuditEvent): string {
  const about = pki?.subject ?? pki?.serial ?? pki?.caName ?? pki?.username
  const said = event.reason ?? message
  const parts = [time, event.action, event.code, event.outcome, user?.name, about, said]
  return printable(
    parts
      .filter((part) => part !== undefined)
      .join('  ')
      .replace(/\s*\n\s*/g, ' ')
      .slice(0, MAX_SHOWN),
  )
}

async function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  if (text !== '' && !stream.write(text)) await once(stream, 'drain')
}
