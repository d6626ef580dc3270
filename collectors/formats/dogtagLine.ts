import { instantIn } from '../localTime.ts'

/** A record of Dogtag's signed audit log, taken apart. */
export interface DogtagLine {
  readonly thread: string
  /** Milliseconds since the epoch; undefined: written in a language or a time zone that is not known. */
  readonly time: number | undefined
  /** As it stands between its brackets. */
  readonly writtenTime: string
  readonly eventName: string
  /** In the order of the line, without AuditEvent. One that comes twice can't be Dogtag's. */
  readonly attributes: readonly (readonly [name: string, value: string])[]
  readonly message: string
}

/** Octets of a line that say whether it begins a record. */
const START_OCTETS = 400
const START = /^\d{1,10}\.[^\n]{0,300}? - \[\d{2}\/[^/\s]{1,12}\/\d{4}:\d\d:\d\d:\d\d /
const HEAD =
  /^\d{1,10}\.([^\n]{0,300}?) - \[((\d{2})\/([^/\s]{1,12})\/(\d{4}):(\d\d:\d\d:\d\d) ([^\]\n]{1,40}))\] \[\d{1,4}\] \[\d{1,3}\] \[AuditEvent=([A-Za-z0-9_]{1,100})\]/
/** Values are not escaped: one ends where the next attribute begins, or at the first bracket before a space or the end. */
const ATTRIBUTE = /\[([A-Za-z][A-Za-z0-9_]{0,99})=(.*?)\](?=\[[A-Za-z][A-Za-z0-9_]{0,99}=|\s|$)/sy
/** Attributes of one record; Dogtag writes up to ten. */
const MAX_ATTRIBUTES = 100

/** Continuation lines begin with one space. */
export function startsDogtagRecord(line: Uint8Array): boolean {
  return START.test(Buffer.from(line.subarray(0, START_OCTETS)).toString('latin1'))
}

/** `timeZone`: of the server, where it is configured; else the zone's name in the line counts. undefined: not a record of the log. */
export function splitDogtagLine(text: string, timeZone: string | undefined): DogtagLine | undefined {
  const head = HEAD.exec(text)
  if (head === null) return undefined
  const [
    whole,
    thread = '',
    writtenTime = '',
    day = '',
    month = '',
    year = '',
    clock = '',
    zone = '',
    eventName = '',
  ] = head
  const attributes: [string, string][] = []
  let end = whole.length
  while (attributes.length < MAX_ATTRIBUTES) {
    ATTRIBUTE.lastIndex = end
    const match = ATTRIBUTE.exec(text)
    if (match === null) break
    attributes.push([match[1] ?? '', match[2] ?? ''])
    end = ATTRIBUTE.lastIndex
  }
  const number = MONTHS.indexOf(month.slice(0, 3).toLowerCase()) + 1
  const local = `${year}-${String(number).padStart(2, '0')}-${day}T${clock}`
  return {
    thread,
    writtenTime,
    time: number === 0 ? undefined : instant(local, zone, timeZone),
    eventName,
    attributes,
    message: text.slice(end).trimStart(),
  }
}

/** As a JVM in English writes them; in another language the time is not understood. */
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

/** Minutes ahead of UTC of the names that mean one thing only to a JVM. */
const ZONES: Readonly<Record<string, number>> = {
  UTC: 0,
  GMT: 0,
  Z: 0,
  WET: 0,
  WEST: 60,
  CET: 60,
  CEST: 120,
  EET: 120,
  EEST: 180,
  MSK: 180,
  JST: 540,
  KST: 540,
  AEST: 600,
  AEDT: 660,
  NZST: 720,
  NZDT: 780,
  EST: -300,
  EDT: -240,
  CDT: -300,
  MST: -420,
  MDT: -360,
  PST: -480,
  PDT: -420,
}
const OFFSET = /^(?:GMT|UTC)?([+-])(\d\d):?(\d\d)$/
const MINUTE = 60_000

function instant(local: string, zone: string, timeZone: string | undefined): number | undefined {
  const wall = Date.parse(`${local}Z`)
  // Date moves the 31st of February into March.
  if (Number.isNaN(wall) || !new Date(wall).toISOString().startsWith(local)) return undefined
  if (timeZone !== undefined) return instantIn(timeZone, local)
  const [, sign, hours, minutes] = OFFSET.exec(zone) ?? []
  if (sign !== undefined)
    return wall - (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes)) * MINUTE
  const ahead = Object.hasOwn(ZONES, zone) ? ZONES[zone] : undefined
  return ahead === undefined ? undefined : wall - ahead * MINUTE
}
