import assert from 'node:assert/strict'
import { createPrivateKey, generateKeyPairSync } from 'node:crypto'
import { describe, test } from 'node:test'
import { parseCheckpoint, signCheckpoint } from '../../journal/checkpoint.ts'
import { JournalError } from '../../journal/error.ts'
import { keySigner } from '../../journal/signer.ts'
import {
  formatVerifierKey,
  parseNote,
  parseVerifierKeys,
  signNote,
  verifierKey,
  verifyNote,
} from '../../journal/note.ts'

// The key and note of the reference implementation's tests (golang.org/x/mod/sumdb/note).
const VKEY = 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW'
const SEED = Buffer.from('AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz', 'base64').subarray(1)
const TEXT =
  "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
const NOTE = `${TEXT}\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n`

const privateKey = createPrivateKey({
  key: Buffer.concat([Buffer.from('302e020100300506032b657004220420', 'hex'), SEED]),
  format: 'der',
  type: 'pkcs8',
})

const isJournalError = (code: string) => (error: unknown) =>
  error instanceof JournalError && error.code === code

describe('signed notes', () => {
  test('reproduce the reference note octet for octet', () => {
    assert.equal(signNote(TEXT, 'PeterNeumann', privateKey), NOTE)
    assert.equal(formatVerifierKey(verifierKey('PeterNeumann', privateKey)), VKEY)
  })

  test('verify with the reference key', () => {
    const keys = parseVerifierKeys(`${VKEY}\n`)
    const note = parseNote(NOTE)
    assert.equal(note.text, TEXT)
    assert.deepEqual(verifyNote(note, keys), keys)
  })

  test('ignore signatures of unknown keys', () => {
    const other = verifierKey('somebody', generateKeyPairSync('ed25519').privateKey)
    assert.deepEqual(verifyNote(parseNote(NOTE), [other]), [])
  })

  test('are refused when a known key signed something else', () => {
    const note = parseNote(NOTE.replace('cryptography', 'cryptographY'))
    assert.throws(() => verifyNote(note, parseVerifierKeys(VKEY)), isJournalError('altered'))
  })

  test('are refused in any other form', () => {
    for (const bad of [
      '',
      TEXT,
      NOTE.slice(0, -1),
      NOTE.replace('\n\n', '\n'),
      NOTE.replace('—', '-'),
      NOTE.replace('JnAM=\n', 'JnAN=\n'), // the last bits of base64 are not zero
      NOTE.replace('JnAM=\n', 'JnAM\n'),
      NOTE.replace('answer', 'ans\u0007wer'),
      `${TEXT}\n— PeterNeumann x08goA==\n\n`,
    ])
      assert.throws(() => verifyNote(parseNote(bad), parseVerifierKeys(VKEY)), isJournalError('format'), bad)
  })

  test('verifier keys are refused when any character is changed', () => {
    for (let i = 0; i < VKEY.length; i++) {
      const bad = VKEY.slice(0, i) + String.fromCharCode(VKEY.charCodeAt(i) ^ 1) + VKEY.slice(i + 1)
      assert.throws(() => parseVerifierKeys(bad), isJournalError('format'), bad)
    }
    assert.throws(() => parseVerifierKeys(VKEY.replace('c74f20a3', 'C74F20A3')), isJournalError('format'))
  })
})

describe('checkpoints', () => {
  const signer = keySigner(verifierKey('vigil.test/1', privateKey), privateKey)

  test('are three lines: origin, size, root', async () => {
    const root = Buffer.alloc(32, 7)
    const { text } = await signCheckpoint({ origin: 'vigil.test/1', size: 42, root }, signer)
    assert.ok(text.startsWith(`vigil.test/1\n42\n${root.toString('base64')}\n\n— vigil.test/1 `))
    assert.deepEqual(parseCheckpoint(text).checkpoint, {
      origin: 'vigil.test/1',
      size: 42,
      root: root.toString('hex'),
      text,
    })
  })

  test('are refused with leading zeros, extension lines or another root size', async () => {
    const root = Buffer.alloc(32, 7)
    const { text } = await signCheckpoint({ origin: 'vigil.test/1', size: 42, root }, signer)
    for (const bad of [
      text.replace('\n42\n', '\n042\n'),
      text.replace('\n42\n', '\n-1\n'),
      text.replace('\n\n—', '\nextension\n\n—'),
      text.replace('BwcHBw', 'BwcH'),
    ])
      assert.throws(() => parseCheckpoint(bad), isJournalError('format'), bad)
  })
})
