import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { ejbcaCsv } from '../../collectors/formats/ejbcaCsv.ts'
import { one, parsed } from './parsing.ts'

const XML = `<?xml version="1.0" encoding="UTF-8"?>
<java version="17" class="java.beans.XMLDecoder">
 <object class="java.util.LinkedHashMap">
  <void method="put">
   <string>msg</string>
   <string>Got request for user with invalid password: b&lt;o&amp;b.</string>
  </void>
 </object>
</java>`

function row(node: string, number: number, details = XML): string {
  const time = Date.UTC(2026, 10, 22, 5, 1, 17) + number
  return `0a1b-${number}\t${node}\t${number}\t${time}\tCA_USERAUTH\tFAILURE\tejbca\tEJBCA\tCA\t-73217329\t\tbob\t${details}\tnull\n`
}

describe('an exported row', () => {
  it('reads like the line of the log, with its node and number', async () => {
    const event = await one(ejbcaCsv, row('ca1', 7))
    assert.equal(event['@timestamp'], '2026-11-22T05:01:17.007Z')
    assert.deepEqual(
      [event.event.action, event.event.outcome, event.user?.name, event.pki?.username],
      ['CA_USERAUTH', 'failure', 'ejbca', 'bob'],
    )
    assert.equal(event.message, 'Got request for user with invalid password: b<o&b.')
    assert.equal(event.pki?.details?.['node'], 'ca1')
    assert.equal(event.pki.details['sequenceNumber'], '7')
  })

  it('may have its fields in quotes', async () => {
    const details = `"${XML.replaceAll('"', '""')}"`
    const quoted = row('ca1', 7, '@')
      .split('\t')
      .map((field) => (field === '@' ? details : `"${field}"`))
    assert.equal(
      (await one(ejbcaCsv, quoted.join('\t').replace('"null\n"', 'null\n'))).message,
      (await one(ejbcaCsv, row('ca1', 7))).message,
    )
  })

  it('that is none is kept as unparsed', async () => {
    for (const text of [
      'pk\tnodeId\tsequenceNumber',
      row('ca1', 1).replace('FAILURE', 'MAYBE'),
      row('ca1', 1).slice(0, 60),
    ])
      assert.equal((await one(ejbcaCsv, text)).event.action, 'unparsed', text)
  })
})

describe('the numbers of an export', () => {
  const gaps = async (rows: readonly string[]): Promise<(string | undefined)[]> =>
    (await parsed(ejbcaCsv, rows.join('')))
      .filter((e) => e.event.action === 'sequence_gap')
      .map((e) => e.message)

  it('are followed on each node for itself', async () => {
    const rows = [row('a', 3), row('b', 9), row('a', 4), row('b', 10), row('a', 5)]
    assert.deepEqual(await gaps(rows), [])
  })

  it('that are missing or come again are events of their own', async () => {
    const rows = [row('a', 3), row('a', 4), row('b', 9), row('a', 8), row('a', 8), row('a', 9)]
    assert.deepEqual(await gaps(rows), [
      'node a: 3 records missing: 8 follows 4',
      'node a: a number came again: 8 follows 8',
    ])
  })

  it('may be exported newest first', async () => {
    assert.deepEqual(await gaps([row('a', 9), row('a', 8), row('a', 5)]), [
      'node a: 2 records missing: 5 follows 8',
    ])
  })
})
