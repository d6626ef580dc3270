import { sign, verify, type KeyObject } from 'node:crypto'
import { Writable } from 'node:stream'
import { JournalError } from './error.ts'
import type { Signer, VerifierKey } from './note.ts'
import { runProgram } from './program.ts'

/** Milliseconds that an external command may take: an HSM answers in less than one second. */
const COMMAND_TIMEOUT = 10_000
/** Octets that it may print: no signature of ours is longer than 2420. */
const MAX_OUTPUT = 16 * 1024

/** Signs with a key in this process. */
export function keySigner(key: VerifierKey, privateKey: KeyObject): Signer {
  return { key, sign: (message) => Promise.resolve(sign(null, message, privateKey)) }
}

/**
 * Signs through a program, which is how an HSM is used: the message on its standard input, the raw signature on its standard output. What it
 * gives back is verified before it is used.
 */
export function commandSigner(
  key: VerifierKey,
  command: readonly string[],
  timeout: number = COMMAND_TIMEOUT,
): Signer {
  return {
    key,
    async sign(message) {
      const signature = await run(command, message, timeout)
      if (isSignature(key.publicKey, message, signature)) return signature
      const got = `${signature.length} octets that are not`
      throw refused(command, `expected a signature by ${key.name}+${key.id}, got ${got}`)
    },
  }
}

function isSignature(publicKey: KeyObject, message: Buffer, signature: Buffer): boolean {
  return signature.length > 0 && verify(null, message, publicKey, signature)
}

async function run(command: readonly string[], input: Buffer, timeout: number): Promise<Buffer> {
  const { output, collected } = bounded()
  // It may end without reading; what that means, its signature says.
  const end = await runProgram(command, { input: [input], output, timeout })
  if (!end.ended) throw refused(command, end.why)
  return collected()
}

/** Collects up to MAX_OUTPUT octets; the rest is let pass. */
function bounded(): { readonly output: Writable; readonly collected: () => Buffer } {
  const chunks: Buffer[] = []
  let size = 0
  const output = new Writable({
    write(chunk: Buffer, _encoding, done) {
      if (size < MAX_OUTPUT) chunks.push(chunk)
      size += chunk.length
      done()
    },
  })
  return { output, collected: () => Buffer.concat(chunks) }
}

function refused([program = '']: readonly string[], why: string): JournalError {
  return new JournalError('key', `${program}: ${why}`)
}
