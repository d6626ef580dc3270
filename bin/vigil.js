#!/usr/bin/env node
// Runs the sources in a checkout, dist/ in an installed package; brings the pinned Node when the caller's is too old.
import { existsSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 24 || (major === 24 && minor < 15)) {
  const node = fileURLToPath(new URL('../node_modules/node/bin/node', import.meta.url))
  if (!existsSync(node)) {
    console.error(
      `vigil needs Node 24.15 or newer; this is ${process.version}. Run "npm ci" (with install scripts) or install Node 24.`,
    )
    process.exit(3)
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const s of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(s, () => child.kill(s))
  child.on('exit', (code, signal) => {
    if (signal) {
      process.removeAllListeners(signal)
      process.kill(process.pid, signal)
    } else process.exit(code)
  })
} else {
  const src = new URL('../cli/main.ts', import.meta.url)
  await import(existsSync(src) ? src : new URL('../dist/cli/main.js', import.meta.url))
}
