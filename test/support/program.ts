import { spawn } from 'node:child_process'
import { connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import type { TestContext } from 'node:test'

/** Milliseconds that a server may take to listen. */
const START_LIMIT = 10_000
const POLL = 25

/** Runs a server until the test is over; resolves when it listens at all these addresses. Rejects with what it printed when it ends before. */
export async function startProgram(
  t: TestContext,
  command: string,
  options: readonly string[],
  listens: readonly { readonly host: string; readonly port: number }[],
): Promise<{ readonly signal: (name: NodeJS.Signals) => void }> {
  const child = spawn(command, options, { stdio: ['ignore', 'pipe', 'pipe'] })
  const printed: Buffer[] = []
  child.stdout.on('data', (octets: Buffer) => printed.push(octets))
  child.stderr.on('data', (octets: Buffer) => printed.push(octets))
  const ended = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('close', (code) => resolve(`ended with ${code}: ${Buffer.concat(printed).toString()}`))
  })
  t.after(async () => {
    child.kill()
    await ended
  })
  const failure = await Promise.race([ended, Promise.all(listens.map(answering)).then(() => undefined)])
  if (failure !== undefined) throw new Error(`${command}: ${failure}`)
  return { signal: (name) => void child.kill(name) }
}

async function answering({ host, port }: { readonly host: string; readonly port: number }): Promise<void> {
  const until = performance.now() + START_LIMIT
  while (!(await connects(host, port))) {
    if (performance.now() > until) throw new Error(`expected a server at ${host}:${port}, got none`)
    await delay(POLL)
  }
}

function connects(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const socket = connect({ host, port })
  socket.once('connect', () => resolve(true))
  socket.once('error', () => resolve(false))
  return promise.finally(() => socket.destroy())
}
