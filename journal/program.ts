import { spawn } from 'node:child_process'
import { Readable, type Writable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { errorOf } from '../model/thrown.ts'

/** Octets of what a program says on its standard error that an error message keeps. */
const MAX_WORDS = 300

interface ProgramRun {
  readonly input: Iterable<Uint8Array>
  /** Takes the standard output. When it refuses (too much, the disk is full), the program is ended. */
  readonly output: Writable
  /** Milliseconds, for all of it. */
  readonly timeout: number
}

/**
 * Runs a program, with its arguments as they are: no shell. `ended`: with exit code 0; `readAll`: and it read its input to the end. Rejects with what `output`
 * refused with.
 */
export async function runProgram(
  [program = '', ...args]: readonly string[],
  { input, output, timeout }: ProgramRun,
): Promise<
  { readonly ended: true; readonly readAll: boolean } | { readonly ended: false; readonly why: string }
> {
  const child = spawn(program, args, { stdio: ['pipe', 'pipe', 'pipe'], timeout, killSignal: 'SIGKILL' })
  const fed = pipeline(Readable.from(input, { objectMode: false }), child.stdin).then(
    () => true,
    () => false,
  )
  let refusal: Error | undefined
  const taken = pipeline(child.stdout, output).catch((error: unknown) => {
    if (child.exitCode !== null || child.signalCode !== null) return
    refusal = errorOf(error)
    child.kill('SIGKILL')
  })
  let words = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    words = (words + text).slice(-MAX_WORDS)
  })
  const { promise: closed, resolve } = Promise.withResolvers<string>()
  child.once('error', (error) => resolve(error.message))
  child.once('exit', (_code, signal) => {
    // What it started may hold its output open; of a program that was ended nobody waits for that.
    if (signal !== null) for (const stream of [child.stdout, child.stderr]) stream.destroy()
  })
  child.once('close', (code, signal) => resolve(signal === null ? `exit code ${code}` : `end by ${signal}`))
  const end = await closed
  child.stdin.destroy()
  const [readAll] = await Promise.all([fed, taken])
  if (refusal !== undefined) throw refusal
  if (end === 'exit code 0') return { ended: true, readAll }
  const said = words.trim()
  const why = `expected exit code 0 within ${timeout} ms, got ${end}${said === '' ? '' : `: ${said}`}`
  return { ended: false, why }
}
