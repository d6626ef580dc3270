import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import fc from 'fast-check'
import * as lab from '../../lab/der.ts'
import { answerOcsp, extension, generateKey } from '../../lab/issue.ts'
import type { OcspAnswer } from '../../lab/issue.ts'
import { Der, TAG } from '../../pki/der.ts'
import { tlv } from '../../pki/derWriter.ts'
import { PkiError } from '../../pki/error.ts'
import { readPlainOcspResponse } from '../../pki/ocspPlain.ts'
import { readOcspResponse } from '../../pki/ocspResponse.ts'
import type { OcspResponse } from '../../pki/ocspResponse.ts'
import { HOUR, NOW, entity, recorded } from './support.ts'

const ca = await entity({ subject: 'Test CA', organization: 'Example PKI', country: 'SE' })
const responder = await entity({ subject: 'Responder', issuer: ca, profile: 'ocsp_signer' })
const rsa = await entity({ subject: 'RSA CA', key: generateKey('rsa2048') })
const good = { status: 'good', serial: 'a1b2c3', thisUpdate: NOW - HOUR, nextUpdate: NOW + HOUR } as const
const answer = (changes: Partial<OcspAnswer> = {}): Promise<Uint8Array> =>
  answerOcsp({ issuer: ca, answers: [good], producedAt: NOW - HOUR, ...changes })

/** The shapes that are to be read in one pass. */
const plain: Readonly<Record<string, Uint8Array>> = {
  'by key': await answer(),
  'by name': await answer({ responderId: 'name' }),
  'with a nonce': await answer({ nonce: Buffer.alloc(32, 7) }),
  'with the longest nonce': await answer({ nonce: Buffer.alloc(128, 7) }),
  'by a delegate': await answer({ signer: responder }),
  'by a delegate, with its chain': await answer({
    signer: responder,
    responderId: 'name',
    certificates: [responder.certificate, ca.certificate],
  }),
  'named by SHA-256': await answer({ answers: [{ ...good, hash: 'sha256' }] }),
  'without an end': await answer({
    answers: [{ status: 'good', serial: 'a1b2c3', thisUpdate: NOW - HOUR }],
    nonce: Buffer.alloc(16, 7),
  }),
  'signed with RSA': await answer({ issuer: rsa }),
}

/** Shapes that are left to the general reader. */
const other: readonly Uint8Array[] = [
  await answer({ answers: [{ ...good, status: 'revoked', at: NOW - HOUR, reason: 1 }] }),
  await answer({ answers: [{ ...good, status: 'unknown' }] }),
  await answer({ answers: [good, { ...good, serial: '1' }] }),
  recorded('ocsp_alice_resp.der'),
  recorded('ocsp_unauthorized_resp.der'),
]

/** Everything that an answer says, in values that can be compared. */
function viewOf(response: OcspResponse): unknown {
  const { responderId, responses, ...rest } = response
  return {
    ...rest,
    responder:
      responderId.by === 'key'
        ? responderId.keyHash
        : [responderId.name.text, Buffer.from(responderId.name.der).toString('hex')],
    namesCa: responderId.names(ca.parsed),
    responses: responses.map(({ certId, ...single }) => ({
      ...single,
      certId: [String(certId), Buffer.from(certId.der).toString('hex')],
      ofCa: certId.isIssuedBy(ca.parsed),
    })),
  }
}

/** What is accepted in one pass, the general reader accepts with the same result. Returns whether it was. */
function agrees(der: Uint8Array): boolean {
  const fast = readPlainOcspResponse(der)
  if (fast === undefined) return false
  assert.deepStrictEqual(viewOf(fast), viewOf(readOcspResponse(der)), Buffer.from(der).toString('hex'))
  return true
}

describe('an OCSP answer of the usual shape', () => {
  for (const [what, der] of Object.entries(plain)) {
    it(`is read in one pass, with the result of the general reader: ${what}`, () => {
      assert.ok(agrees(der))
    })
  }

  it('is left to the general reader when it is another', () => {
    for (const der of other) assert.equal(readPlainOcspResponse(der), undefined)
  })

  it('is refused, or read as the general reader reads it, whatever single octet changed', () => {
    let accepted = 0
    for (const [what, values] of [
      ['with a nonce', 1],
      ['by name', 5],
      ['by a delegate', 17],
    ] as const) {
      const der = plain[what]
      assert.ok(der !== undefined)
      for (let at = 0; at < der.length; at++) {
        for (let change = 1; change < 256; change += values) {
          const changed = Uint8Array.from(der)
          changed[at] = (changed[at] ?? 0) ^ change
          if (agrees(changed)) accepted++
        }
      }
    }
    // Hashes, serial numbers, digits of dates, keys, signatures.
    assert.ok(accepted > 10_000, `${accepted} were accepted`)
  })

  it('is refused, or read as the general reader reads it, whatever elements changed', () => {
    let accepted = 0
    const edit = fc.record({
      at: fc.nat(),
      kind: fc.constantFrom('drop', 'repeat', 'swap', 'tag', 'octets', 'length', 'insert'),
      tag: fc.constantFrom(
        ...Object.values(TAG),
        0x0c,
        0x13,
        0x80,
        0x81,
        0x82,
        0xa0,
        0xa1,
        0xa2,
        0xa3,
        0,
        0x24,
        0x1f,
      ),
      octets: fc.uint8Array({ maxLength: 24 }),
    })
    const trees = Object.values(plain).map(treeOf)
    fc.assert(
      fc.property(
        fc.constantFrom(...trees),
        fc.array(edit, { minLength: 1, maxLength: 3 }),
        (tree, edits) => {
          const copy = structuredClone(tree)
          for (const change of edits) apply(copy, change)
          if (agrees(encode(copy))) accepted++
        },
      ),
      { numRuns: 8000 },
    )
    assert.ok(accepted > 80, `${accepted} were accepted`)
  })

  it('is refused, or read as the general reader reads it, with unusual fields of the right length', () => {
    const { tbs } = readOcspResponse(plain['by key'] ?? new Uint8Array())
    const [responderId, producedAt, responses] = lab.elementsOf(tbs)
    assert.ok(responderId !== undefined && producedAt !== undefined && responses !== undefined)
    const name = (...attributes: readonly Uint8Array[]) =>
      lab.context(1, lab.sequence(...attributes.map((attribute) => lab.set(attribute))))
    const attribute = (tag: number, text: string, oid = '2.5.4.3') =>
      lab.sequence(lab.oid(oid), tlv(tag, Buffer.from(text, 'latin1')))
    const fields = [
      [name(), producedAt, responses],
      [name(attribute(0x13, 'a*b')), producedAt, responses],
      [name(attribute(0x0c, '\xc3\xa9')), producedAt, responses],
      [name(attribute(0x0c, '\xc3')), producedAt, responses],
      [name(attribute(0x16, 'a@b', '1.2.840.113549.1.9.1')), producedAt, responses],
      [name(attribute(0x0c, '')), producedAt, responses],
      [name(attribute(0x0c, 'x'.repeat(2000))), producedAt, responses],
      [lab.context(2, lab.octetString(Buffer.alloc(32))), producedAt, responses],
      [responderId, producedAt, lab.sequence()],
      [responderId, tlv(TAG.utcTime, Buffer.from('261122040000Z')), responses],
      [responderId, tlv(TAG.generalizedTime, Buffer.from('00000101000000Z')), responses],
      [lab.context(0, lab.integer(0n)), responderId, producedAt, responses],
      ...[extension('1.3.6.1.5.5.7.48.1.2', true, lab.octetString(Buffer.alloc(8))), lab.sequence()].map(
        (extra) => [responderId, producedAt, responses, lab.context(1, lab.sequence(extra))],
      ),
    ]
    for (const list of fields) {
      const data = lab.sequence(...list)
      const basic = lab.sequence(
        data,
        lab.sequence(lab.oid('1.2.840.10045.4.3.2')),
        lab.bitString(Buffer.alloc(8)),
      )
      const bytes = lab.sequence(lab.oid('1.3.6.1.5.5.7.48.1.1'), lab.octetString(basic))
      agrees(lab.sequence(lab.enumerated(0), lab.context(0, bytes)))
    }
  })
})

interface Node {
  tag: number
  /** Content octets of a primitive element. */
  octets: Uint8Array
  /** Elements inside: of a constructed one, or wrapped in an OCTET STRING. */
  inside: Node[] | undefined
  /** Octets of length more than needed. */
  excess: number
}

function treeOf(der: Uint8Array): Node {
  const element = Der.open(tlv(TAG.sequence, der), '', der.length + 8).any('')
  const { tag, value } = element
  const inside = (tag & 0x20) !== 0 || tag === TAG.octetString ? insideOf(value) : undefined
  return { tag, octets: Uint8Array.from(value), inside, excess: 0 }
}

function insideOf(content: Uint8Array): Node[] | undefined {
  try {
    const list = Der.open(tlv(TAG.sequence, content), '', content.length + 8)
    const inside: Node[] = []
    while (!list.done) inside.push(treeOf(list.any('').der))
    return inside
  } catch (error) {
    if (error instanceof PkiError) return undefined
    throw error
  }
}

function encode(node: Node): Uint8Array {
  const content = node.inside === undefined ? node.octets : Buffer.concat(node.inside.map(encode))
  if (node.excess === 0) return tlv(node.tag, content)
  const length = Buffer.alloc(4)
  length.writeUInt32BE(content.length)
  return Buffer.concat([Buffer.from([node.tag, 0x84]), length, content])
}

function apply(
  root: Node,
  { at, kind, tag, octets }: { at: number; kind: string; tag: number; octets: Uint8Array },
): void {
  const places: [Node[], number][] = []
  const collect = (list: Node[]) => {
    list.forEach((node, i) => {
      places.push([list, i])
      if (node.inside !== undefined) collect(node.inside)
    })
  }
  collect(root.inside ?? [])
  const [list, i] = places[at % places.length] ?? [[], 0]
  const node = list[i]
  if (node === undefined) return
  if (kind === 'drop') list.splice(i, 1)
  else if (kind === 'repeat') list.splice(i, 0, structuredClone(node))
  else if (kind === 'swap') list.splice(i, 2, ...list.slice(i, i + 2).reverse())
  else if (kind === 'tag') node.tag = tag
  else if (kind === 'length') node.excess = 1
  else if (kind === 'insert') list.splice(i, 0, { tag, octets, inside: undefined, excess: 0 })
  else {
    node.inside = undefined
    node.octets = octets
  }
}
