import { describe, it } from 'node:test'
import assert from 'node:assert/strict'
import { RecordFramer } from '../../collectors/sources/records.ts'
import type { FramedRecord } from '../../collectors/sources/records.ts'
import { startsWithTime } from '../../collectors/formats/wildfly.ts'
import { asFile, auditLine } from './support.ts'

const one = auditLine(1)
const multi = `${auditLine(2, ';added:certificatechain=[MIIC')}\nAAAA\n\nBBBB];tokensequence=0`
const three = auditLine(3)

function frame(pieces: readonly (string | Uint8Array)[], limit?: number): FramedRecord[] {
  const framer = new RecordFramer({
    startsRecord: startsWithTime,
    ...(limit === undefined ? {} : { limit }),
  })
  return [...pieces.flatMap((piece) => framer.push(Buffer.from(piece))), ...framer.finish()]
}

function shown(records: readonly FramedRecord[]): unknown[] {
  return records.map((r) => [Buffer.from(r.bytes).toString(), r.offset, r.end, r.damage])
}

describe('framing of records', () => {
  it('keeps continuation lines, empty ones too, with the record before them', () => {
    const text = asFile([one, multi, three])
    const [first, second, third] = frame([text])
    assert.deepEqual(
      [first, second, third].map((r) => Buffer.from(r!.bytes).toString()),
      [one, multi, three],
    )
    assert.equal(first!.offset, 0)
    assert.equal(second!.offset, first!.end)
    assert.equal(third!.end, text.length)
  })

  it('gives the same records wherever the stream is split', () => {
    const text = Buffer.from(asFile([one, multi, three]))
    const whole = shown(frame([text]))
    for (let at = 0; at <= text.length; at++)
      assert.deepEqual(shown(frame([text.subarray(0, at), text.subarray(at)])), whole, `split at ${at}`)
    assert.deepEqual(shown(frame([...text].map((octet) => Uint8Array.of(octet)))), whole)
  })

  it('holds the last record until it is asked for, and an unfinished line beyond that', () => {
    const framer = new RecordFramer({ startsRecord: startsWithTime })
    assert.deepEqual(framer.push(Buffer.from(`${one}\n${three.slice(0, 40)}`)), [])
    assert.equal(framer.holding, true)
    assert.deepEqual(shown(framer.release()), [[one, 0, one.length + 1, undefined]])
    assert.deepEqual(framer.release(), [])
    framer.push(Buffer.from(`${three.slice(40)}\n`))
    assert.deepEqual(
      framer.release().map((r) => Buffer.from(r.bytes).toString()),
      [three],
    )
  })

  it('keeps lines before the first record as a record of their own', () => {
    const texts = frame([`rest of something\n\tat Foo.java\n${one}\n`]).map((r) =>
      Buffer.from(r.bytes).toString(),
    )
    assert.deepEqual(texts, ['rest of something\n\tat Foo.java', one])
  })

  it('cuts a line above the limit, covers all of it, and goes on with the next', () => {
    const long = auditLine(1, 'x'.repeat(5000))
    const text = asFile([one, long, three])
    for (const size of [1, 7, 100, text.length]) {
      const pieces = text.match(new RegExp(`[^]{1,${size}}`, 'g')) ?? []
      assert.deepEqual(
        shown(frame(pieces, 1000)),
        [
          [one, 0, one.length + 1, undefined],
          [long.slice(0, 1000), one.length + 1, one.length + long.length + 2, 'cut'],
          [three, one.length + long.length + 2, text.length, undefined],
        ],
        `pieces of ${size}`,
      )
    }
  })

  it('ends a record whose continuation lines exceed the limit, losing none of them', () => {
    const lines = Array.from({ length: 50 }, (_, i) => `line ${i} ${'y'.repeat(50)}`)
    const text = asFile([one, ...lines, three])
    const records = frame([text], 500)
    assert.ok(records.every((r) => r.bytes.length <= 500))
    assert.equal(records.map((r) => `${Buffer.from(r.bytes).toString()}\n`).join(''), text)
  })

  it('bounds the number of lines in a record', () => {
    const records = frame(['\n'.repeat(25_000)])
    assert.deepEqual(
      records.map((r) => r.end - r.offset),
      [10_000, 10_000, 5000],
    )
  })

  it('keeps flat memory on a line without end', () => {
    const framer = new RecordFramer({ startsRecord: startsWithTime, limit: 1024 })
    const chunk = Buffer.alloc(64 * 1024, 'z')
    framer.push(Buffer.from(one))
    const before = process.memoryUsage().arrayBuffers
    for (let i = 0; i < 200; i++) assert.deepEqual(framer.push(Buffer.from(chunk)), [])
    const [record] = framer.finish()
    assert.ok(process.memoryUsage().arrayBuffers - before < 64 * 1024 * 1024)
    assert.equal(record?.damage, 'cut')
    assert.equal(record.bytes.length, 1024)
    assert.equal(record.end, one.length + 200 * chunk.length)
  })

  it('calls the last line torn when it has no line feed', () => {
    assert.deepEqual(shown(frame([`${one}\n${three}`])), [
      [one, 0, one.length + 1, undefined],
      [three, one.length + 1, one.length + 1 + three.length, 'torn'],
    ])
  })

  it('finds the record after a run of NULs, wherever the stream is split', () => {
    const text = Buffer.concat([
      Buffer.from(`${one}\n${three.slice(0, 50)}`),
      Buffer.alloc(4000),
      Buffer.from(`${one}\n${three}\n`),
    ])
    const torn = one.length + 1
    const nul = torn + 50
    const after = nul + 4000
    const expected = [
      [one, 0, torn, undefined],
      [three.slice(0, 50), torn, nul, 'torn'],
      ['\0'.repeat(64), nul, after, 'nul'],
      [one, after, after + one.length + 1, undefined],
      [three, after + one.length + 1, text.length, undefined],
    ]
    for (let at = 0; at <= text.length; at += 13)
      assert.deepEqual(shown(frame([text.subarray(0, at), text.subarray(at)])), expected, `split at ${at}`)
    assert.deepEqual(shown(frame([...text].map((octet) => Uint8Array.of(octet)))), expected)
  })

  it('takes the line feed after a run of NULs into the run', () => {
    const text = Buffer.concat([Buffer.from(`${one}\n`), Buffer.alloc(20), Buffer.from(`\n${three}\n`)])
    assert.deepEqual(
      frame([text]).map((r) => [r.offset, r.end, r.damage]),
      [
        [0, one.length + 1, undefined],
        [one.length + 1, one.length + 22, 'nul'],
        [one.length + 22, text.length, undefined],
      ],
    )
  })

  it('leaves a few NULs in their line', () => {
    const odd = auditLine(1, '\0\0\0x')
    assert.deepEqual(shown(frame([`${odd}\n`])), [[odd, 0, odd.length + 1, undefined]])
  })

  it('does not search again for NULs it has passed', () => {
    const lines = Buffer.from(asFile(Array.from({ length: 20_000 }, (_, i) => auditLine(i))))
    const text = Buffer.concat([lines, Buffer.alloc(20)])
    const started = process.cpuUsage()
    assert.equal(frame([text]).length, 20_001)
    assert.ok(process.cpuUsage(started).user < 2_000_000, 'quadratic')
  })
})
