import { spawn } from 'node:child_process'
import { sign, verify, type KeyObject } from 'node:crypto'
import { JournalError } from './error.ts'
import type { Signer, VerifierKey } from './note.ts'

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
  const [program = '', ...args] = command
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL' })
  // It may end without reading; what that means, its exit code says.
  child.stdin.on('error', () => undefined).end(input)
  const output = bounded(child.stdout)
  const said = bounded(child.stderr)
  const { promise: ended, resolve, reject } = Promise.withResolvers<string>()
  child.on('error', (error) => reject(refused(command, error.message)))
  child.on('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : `end by ${signal}`))
  const end = await ended
  if (end !== 'exit code 0') {
    const message = said().toString().trim().slice(0, 300)
    throw refused(
      command,
      `expected exit code 0 within ${timeout} ms, got ${end}${message === '' ? '' : `: ${message}`}`,
    )
  }
  return output()
}

/** Collects up to MAX_OUTPUT octets; the rest is let pass. */
function bounded(stream: NodeJS.ReadableStream): () => Buffer {
  const chunks: Buffer[] = []
  let size = 0
  stream.on('data', (chunk: Buffer) => {
    if (size < MAX_OUTPUT) chunks.push(chunk)
    size += chunk.length
  })
  return () => Buffer.concat(chunks)
}

function refused([program = '']: readonly string[], why: string): JournalError {
  return new JournalError('key', `${program}: ${why}`)
}
