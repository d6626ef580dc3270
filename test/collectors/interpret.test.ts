import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import type { Format } from '../../collectors/format.ts'
import { certctl } from '../../collectors/formats/certctl.ts'
import { dagster } from '../../collectors/formats/dagster.ts'
import { jsonFormat } from '../../collectors/formats/json.ts'
import { interpret } from '../../collectors/interpret.ts'
import { encodeRecord } from '../../journal/record.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { jsonMapping } from '../../model/logSource.ts'

const RECEIVED = '2026-11-22T08:00:00.000Z'
const json = jsonFormat(jsonMapping.parse({ module: 'ca', time: 't', action: 'a', user: 'u' }))

/** As the journal would hold it; throws what it does not take. */
function journaled(format: Format, line: string): AuditEvent {
  const position = { source: 'log', fingerprint: 'f', offset: 0, end: line.length }
  const body = interpret(
    format,
    { kind: 'record', bytes: Buffer.from(line), position },
    { authorities: [], received: RECEIVED },
  )
  const record = { kind: 'audit', time: body['@timestamp'], body } as const
  encodeRecord(record, { recorded: Date.parse(RECEIVED), recordedTime: RECEIVED }, new Uint8Array(16))
  return body
}

describe('what a format makes of a record', () => {
  it('can be journaled where JSON escapes half of a character, in names too', () => {
    const row = { id: '', actor: '\ud800', action: 'x', timestamp: '2026-11-22T08:00:00Z' }
    const event = journaled(
      certctl,
      JSON.stringify({ ...row, details: { '\udfff': '\ud800', serial: '2a' } }),
    )
    assert.deepEqual(
      [event.user?.name, event.pki?.details?.['\ufffd'], event.pki?.serial],
      ['\ufffd', '\ufffd', '2a'],
    )
    assert.match(event.event.original, /\\ud800/)
    assert.equal(journaled(json, '{"t":1,"a":"x","u":"\\uD800"}').user?.name, '\ufffd')
  })

  it('is unparsed where its time is no year of four digits', () => {
    const run = (timestamp: string) =>
      JSON.stringify({ history: 'event', runId: 'r', event: { __typename: 'E', eventType: 'E', timestamp } })
    const rows: readonly (readonly [Format, string])[] = [
      [dagster, run('999999999999999')],
      [certctl, '{"id":"","action":"x","timestamp":"9999-12-31T23:59:59-23:59"}'],
      [certctl, '{"id":"","action":"x","timestamp":"0000-01-01T00:00:00+23:59"}'],
    ]
    for (const [format, line] of rows) {
      const { event, '@timestamp': at } = journaled(format, line)
      assert.deepEqual([event.action, at], ['unparsed', RECEIVED], line)
      assert.match(event.reason ?? '', /out of range/)
    }
    assert.equal(journaled(dagster, run('1795368443511')).event.action, 'E')
  })
})
