/** An audit message of EJBCA's Log4jDevice, taken apart: TIME;EVENTTYPE;STATUS;MODULE;SERVICE;AUTHTOKEN;CUSTOMID;DETAIL1;DETAIL2;KEY=VALUE... */
export interface EjbcaLine {
  /** `2026-11-22`, `05:01:17` (00 to 23 hours) and `+00:00`. */
  readonly date: string
  readonly clock: string
  readonly offset: string
  readonly eventType: string
  readonly status: 'SUCCESS' | 'FAILURE' | 'VOID'
  readonly module: string
  readonly service: string
  readonly authToken: string
  readonly customId: string
  readonly detail1: string
  readonly detail2: string
  /** In the order of the line. A key that comes twice can't be EJBCA's (it logs a map): both are kept. */
  readonly details: readonly (readonly [key: string, value: string])[]
}

/** Details of one line; the biggest edits of profiles have some hundred. What follows stays in the last value. */
const MAX_DETAILS = 1000

const HEAD =
  /^(\d{4}-\d\d-\d\d) ((?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d)([+-]\d\d:\d\d);([A-Z][A-Z0-9_]{0,99});(SUCCESS|FAILURE|VOID);([A-Z_]{1,50});([A-Z_]{1,50});/

// Nothing is escaped in these lines: a piece between two semicolons is a new detail only when it looks like one.
const KEY = /[A-Za-z][A-Za-z0-9_.:\- ]{0,199}=/y

function keyLength(text: string, at: number): number {
  KEY.lastIndex = at
  return KEY.test(text) ? KEY.lastIndex - at - 1 : 0
}

/** undefined when the text is not an audit message. */
export function splitEjbcaLine(text: string): EjbcaLine | undefined {
  const head = HEAD.exec(text)
  if (head === null) return undefined
  const [whole, date = '', clock = '', offset = '', eventType = '', status = '', module = '', service = ''] =
    head
  const searched = searchFields(text, whole.length)
  if (searched === undefined) return undefined
  return {
    date,
    clock,
    offset,
    eventType,
    status: status === 'SUCCESS' || status === 'FAILURE' ? status : 'VOID',
    module,
    service,
    authToken: searched.authToken,
    customId: searched.customId,
    detail1: searched.detail1,
    detail2: searched.detail2,
    details: splitDetails(text, searched.end),
  }
}

type SearchFields = Pick<EjbcaLine, 'authToken' | 'customId' | 'detail1' | 'detail2'> & {
  readonly end: number
}

/** AUTHTOKEN, CUSTOMID, DETAIL1, DETAIL2; `end` is where the details begin. At least three semicolons must follow `from`. */
function searchFields(text: string, from: number): SearchFields | undefined {
  const pieces: string[] = []
  let at = from
  while (at <= text.length) {
    if (pieces.length >= 4 && keyLength(text, at) > 0) break
    const next = text.indexOf(';', at)
    const end = next === -1 ? text.length : next
    pieces.push(text.slice(at, end))
    at = end + 1
  }
  if (pieces.length < 4) return undefined
  // With a semicolon in the AUTHTOKEN (the subject of a client's certificate) there are more than four pieces. DETAIL2, a
  // user name, was cleaned of semicolons by EJBCA, so the AUTHTOKEN is taken as long as the two in between allow.
  const extra = pieces.length - 4
  let shift = extra
  while (shift > 0 && !(isCaId(pieces[shift + 1]) && isDetail1(pieces[shift + 2]))) shift--
  return {
    authToken: pieces.slice(0, shift + 1).join(';'),
    customId: pieces[shift + 1] ?? '',
    detail1: pieces[shift + 2] ?? '',
    detail2: pieces.slice(shift + 3).join(';'),
    end: at,
  }
}

function isCaId(piece: string | undefined): boolean {
  return piece !== undefined && /^(-?\d{1,11})?$/.test(piece)
}

function isDetail1(piece: string | undefined): boolean {
  return piece !== undefined && /^[0-9A-Fa-f]{0,80}$/.test(piece)
}

function splitDetails(text: string, from: number): [string, string][] {
  const details: [string, string][] = []
  let key = ''
  let value = from
  for (let at = from; at <= text.length;) {
    const length = details.length < MAX_DETAILS ? keyLength(text, at) : 0
    if (length > 0) {
      if (key !== '') details.push([key, text.slice(value, at - 1)])
      key = text.slice(at, at + length)
      value = at + length + 1
    }
    const next = text.indexOf(';', Math.max(at, value))
    if (next === -1) break
    at = next + 1
  }
  if (key !== '') details.push([key, text.slice(value)])
  return details
}
