#!/usr/bin/env node
// Runs the sources in a checkout, dist/ in an installed package, with the pinned Node where the caller's is too old.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major > 24 || (major === 24 && minor >= 15)) await run()
else respawn()

async function run() {
  // A closed pipe (`vigil … | head`) is the reader's choice, not an error. What listens for signals has something to put in order first.
  let isRead = true
  const onError = (error) => {
    if (error.code !== 'EPIPE') throw error
    if (process.listenerCount('SIGTERM') === 0) process.exit(0)
    if (isRead) process.emit('SIGTERM', 'SIGTERM')
    isRead = false
  }
  process.stdout.on('error', onError)
  process.stderr.on('error', onError)
  const source = new URL('../cli/main.ts', import.meta.url)
  const { main } = await import(existsSync(source) ? source : new URL('../dist/cli/main.js', import.meta.url))
  process.exitCode = await main(process.argv.slice(2))
}

function respawn() {
  // Installed packages put `node` beside vigil or further up; a checkout has it in its own node_modules.
  let node
  try {
    node = fileURLToPath(import.meta.resolve('node/bin/node'))
  } catch {
    node = ''
  }
  if (!existsSync(node)) {
    console.error(
      `vigil needs Node 24.15 or newer, this is ${process.version}: run "npm ci" (with install scripts), or install Node 24`,
    )
    process.exit(3)
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // A terminal sends Ctrl-C to both processes; a supervisor only to this one.
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  process.on('SIGINT', () => {})
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
