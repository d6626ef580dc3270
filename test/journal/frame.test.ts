import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { JournalError } from '../../journal/error.ts'
import { decodeFrames, encodeFrame, FRAME_HEADER_BYTES, SEAL_MARK } from '../../journal/frame.ts'

const isAltered = (error: unknown) => error instanceof JournalError && error.code === 'altered'
const payload = (text: string) => Buffer.from(text.repeat(100))
const first = encodeFrame(7, payload('first '))
const second = encodeFrame(8, payload('second '))
const sealed = Buffer.concat([first, SEAL_MARK, second, SEAL_MARK])
const afterFirst = first.length + SEAL_MARK.length

function decode(bytes: Buffer): { sequences: number[]; torn: number } {
  const { frames, torn } = decodeFrames(bytes)
  return { sequences: frames.map((f) => f.sequence), torn }
}

describe('frames', () => {
  test('are read back with their payloads', () => {
    const { frames, torn } = decodeFrames(sealed)
    assert.deepEqual(
      frames.map((f) => f.payload.toString()),
      [payload('first ').toString(), payload('second ').toString()],
    )
    assert.deepEqual(
      frames.map((f) => f.marked),
      [true, true],
    )
    assert.equal(torn, 0)
  })

  test('cut off at any octet of the last frame: what is before it stays, the rest is torn', () => {
    for (let end = afterFirst; end < afterFirst + second.length; end++)
      assert.deepEqual(
        decode(sealed.subarray(0, end)),
        { sequences: [7], torn: end - afterFirst },
        `cut at ${end}`,
      )
  })

  test('whole but with a cut or lost seal mark: the frame counts', () => {
    const whole = afterFirst + second.length
    for (let end = whole; end < sealed.length; end++)
      assert.deepEqual(decode(sealed.subarray(0, end)).sequences, [7, 8], `cut at ${end}`)
    assert.deepEqual(decode(Buffer.concat([sealed.subarray(0, whole), Buffer.alloc(8)])).sequences, [7, 8])
  })

  test('zero-filled from any octet of an unsealed frame on: the rest is torn', () => {
    for (let from = afterFirst; from < afterFirst + second.length; from++) {
      const bytes = Buffer.from(sealed)
      bytes.fill(0, from)
      // A frame whose last octets were zeros anyway is whole.
      const { sequences } = decode(bytes)
      assert.deepEqual(
        sequences,
        second.subarray(from - afterFirst).every((o) => o === 0) ? [7, 8] : [7],
        `from ${from}`,
      )
    }
  })

  test('with any sector of an unsealed frame lost: the frame is torn', () => {
    const unsealed = Buffer.concat([first, SEAL_MARK, encodeFrame(8, payload('a longer payload '))])
    for (let sector = Math.floor(afterFirst / 512) * 512; sector < unsealed.length; sector += 512) {
      const bytes = Buffer.from(unsealed)
      bytes.fill(0, Math.max(afterFirst, sector), Math.min(bytes.length, sector + 512))
      assert.deepEqual(decode(bytes).sequences, [7], `sector at ${sector}`)
    }
  })

  test('with a lost seal mark before a frame that is not sealed: that frame is torn', () => {
    const bytes = Buffer.concat([first, Buffer.alloc(8), second])
    assert.deepEqual(decode(bytes), { sequences: [7], torn: 8 + second.length })
  })

  test('changed in any one octet of a sealed file: altered, never torn', () => {
    for (let at = 0; at < sealed.length; at++)
      for (const mask of [0x01, 0x80, 0xff, sealed[at] ?? 1]) {
        if (mask === 0) continue
        const bytes = Buffer.from(sealed)
        bytes[at] = (bytes[at] ?? 0) ^ mask
        assert.throws(() => decodeFrames(bytes), isAltered, `octet ${at} xor ${mask}`)
      }
  })

  test('changed in any one octet of a whole frame whose mark is missing: altered', () => {
    const bytes = Buffer.from(sealed.subarray(0, afterFirst + second.length))
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes)
      changed[at] = (changed[at] ?? 0) ^ 0x20
      if (changed.at(-1) === 0 || changed[afterFirst + FRAME_HEADER_BYTES - 1] === 0) continue
      assert.throws(() => decodeFrames(changed), isAltered, `octet ${at}`)
    }
  })

  test('in another order, twice or with one left out: altered', () => {
    const third = encodeFrame(9, payload('third '))
    const file = (...frames: Buffer[]) => Buffer.concat(frames.flatMap((f) => [f, SEAL_MARK]))
    for (const bytes of [file(second, first), file(first, first), file(first, third)])
      assert.throws(() => decodeFrames(bytes), isAltered)
  })

  test('followed by something else: altered', () => {
    for (const end of ['x', 'VGLX', 'some text that is no frame at all, and longer than a header'])
      assert.throws(() => decodeFrames(Buffer.concat([sealed, Buffer.from(end)])), isAltered, end)
  })

  test('saying that they are longer than any frame: altered, and nothing is allocated', () => {
    const huge = encodeFrame(0, Buffer.alloc(9 * 1024 * 1024))
    assert.throws(() => decodeFrames(huge), isAltered)
  })
})
