// EJBCA's audit table as it is exported (AuditExporterCsv over AuditRecordData): fields between tabs, in the order of the table's columns. Only here do
// records bear the node and the number that each node counts up, so only here does a missing record show.
import type { AuditEvent } from '../../model/auditEvent.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Format, Sequence } from '../format.ts'
import { ownEvent } from '../ownEvent.ts'
import type { RawRecord } from '../source.ts'
import { originalOf } from '../text.ts'
import { auditEvent, issuedCertificates } from './ejbca.ts'
import type { EjbcaLine } from './ejbcaLine.ts'
import { unparsedEvent } from './unparsed.ts'

const ORIGIN = { module: 'ejbca', dataset: 'ejbca.audit' }

/** Fields before the details: pk, nodeId, sequenceNumber, timestamp, eventType, eventStatus, authToken, service, module, customId, searchDetail1, 2. */
const LEADING_FIELDS = 12
/** Octets of a line that say whether it begins a record: pk, node, number and time. */
const START_OCTETS = 400
const START = /^"?[0-9A-Za-z-]{1,100}"?\t"?[^\t"]{1,250}"?\t"?\d{1,18}"?\t"?\d{1,15}"?\t/

export const ejbcaCsv: Format = {
  name: 'ejbca-csv',
  startsRecord: (line) => START.test(Buffer.from(line.subarray(0, START_OCTETS)).toString('latin1')),
  parse(record, context) {
    if (record.damage !== undefined) return unparsedEvent(record, context, ORIGIN, '')
    const original = originalOf(record.bytes)
    const row = rowOf(original.text)
    if (row === undefined) return unparsedEvent(record, context, ORIGIN, 'not a row of AuditRecordData')
    const event = auditEvent(record, context, original, row.line, toTimestamp(row.time))
    const { node, sequenceNumber } = row
    return { ...event, pki: { ...event.pki, details: { ...event.pki?.details, node, sequenceNumber } } }
  },
  artifacts: issuedCertificates,
  get sequence() {
    return followNodes(new Map())
  },
}

/** Last instant with a four-digit year. */
const MAX_TIME = Date.UTC(9999, 11, 31)

function rowOf(
  text: string,
): { line: EjbcaLine; time: number; node: string; sequenceNumber: string } | undefined {
  const { fields, rest } = leadingFields(text)
  const [, node = '', sequenceNumber = '', time = '', eventType = '', status = '', authToken = ''] = fields
  const [service = '', module = '', customId = '', detail1 = '', detail2 = ''] = fields.slice(7)
  const known = status === 'SUCCESS' || status === 'FAILURE' || status === 'VOID'
  if (fields.length !== LEADING_FIELDS || !known) return undefined
  if (!/^\d{1,18}$/.test(sequenceNumber) || !/^\d{1,15}$/.test(time) || Number(time) > MAX_TIME)
    return undefined
  if (!/^[A-Z][A-Z0-9_]{0,99}$/.test(eventType)) return undefined
  const line: EjbcaLine = {
    date: '',
    clock: '',
    offset: '',
    eventType,
    status,
    module,
    service,
    authToken,
    customId,
    detail1,
    detail2,
    details: detailsOf(rest),
  }
  return { line, time: Number(time), node, sequenceNumber }
}

/** The first fields, without the quotes around them, and what follows: details and row protection. `null` is how an empty column reads. */
function leadingFields(text: string): { fields: string[]; rest: string } {
  const fields: string[] = []
  let at = 0
  while (fields.length < LEADING_FIELDS && at <= text.length) {
    const quoted = text[at] === '"' ? closingQuote(text, at + 1) : -1
    const end = quoted === -1 ? text.indexOf('\t', at) : quoted + 1
    const stop = end === -1 ? text.length : end
    const raw = quoted === -1 ? text.slice(at, stop) : text.slice(at + 1, quoted).replaceAll('""', '"')
    fields.push(raw === 'null' ? '' : raw)
    at = stop + 1
  }
  return { fields, rest: text.slice(at) }
}

/** The quote before a tab or the end; a doubled one is part of the value. -1: there is none. */
function closingQuote(text: string, from: number): number {
  for (let at = text.indexOf('"', from); at !== -1; at = text.indexOf('"', at + 1)) {
    if (text[at + 1] === '"') at++
    else return at + 1 === text.length || text[at + 1] === '\t' ? at : -1
  }
  return -1
}

/** Details that are taken from one row; the biggest edits have some hundred. */
const MAX_DETAILS = 1000
const PUT =
  /<void method="{1,2}put"{1,2}>\s{0,20}<string>([^<]{0,300})<\/string>\s{0,20}<(?:null\s?\/|(?:string|int|long|boolean)>([^<]*)<\/(?:string|int|long|boolean))>\s{0,20}<\/void>/g

/** The map as java.beans.XMLEncoder writes it. */
function detailsOf(xml: string): (readonly [string, string])[] {
  const details: (readonly [string, string])[] = []
  for (const [, key = '', value = ''] of xml.matchAll(PUT)) {
    if (details.length === MAX_DETAILS) break
    if (key !== '') details.push([decoded(key), decoded(value)])
  }
  return details
}

const ENTITIES: Readonly<Record<string, string>> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" }

function decoded(text: string): string {
  return text.replace(
    /&(?:(lt|gt|amp|quot|apos)|#(\d{1,6}));/g,
    (whole, name: string | undefined, code: string | undefined) =>
      name !== undefined ? (ENTITIES[name] ?? whole) : String.fromCodePoint(Math.min(Number(code), 0x10ffff)),
  )
}

/** Nodes whose numbers are followed; a cluster has a few. */
const MAX_NODES = 1000

interface Node {
  readonly last: bigint
  /** 1n: counted up; -1n: exported newest first; 0n: not known yet. */
  readonly direction: 1n | -1n | 0n
}

function followNodes(nodes: ReadonlyMap<string, Node>): Sequence {
  return {
    step(record, event) {
      const { node, sequenceNumber } = event.pki?.details ?? {}
      if (node === undefined || sequenceNumber === undefined)
        return { events: [event], next: followNodes(nodes) }
      const number = BigInt(sequenceNumber)
      const before = nodes.get(node)
      const difference = before === undefined ? 0n : number - before.last
      const direction =
        before === undefined || before.direction === 0n ? signOf(difference) : before.direction
      const next =
        before !== undefined || nodes.size < MAX_NODES
          ? new Map(nodes).set(node, { last: number, direction })
          : nodes
      const events =
        before === undefined || (difference === direction && difference !== 0n)
          ? [event]
          : [gap(record, event, node, before.last, number), event]
      return { events, next: followNodes(next) }
    },
  }
}

function signOf(number: bigint): Node['direction'] {
  return number > 0n ? 1n : number < 0n ? -1n : 0n
}

function gap(record: RawRecord, event: AuditEvent, node: string, last: bigint, number: bigint): AuditEvent {
  const between = (number > last ? number - last : last - number) - 1n
  const what = between > 0n ? `${between} records missing` : 'a number came again'
  return ownEvent({
    time: event['@timestamp'],
    action: 'sequence_gap',
    outcome: 'failure',
    type: 'error',
    dataset: 'vigil.sequence',
    message: `node ${node}: ${what}: ${number} follows ${last}`,
    details: { node, last: String(last), next: String(number) },
    position: record.position,
  })
}
