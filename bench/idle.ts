// What an idle vigil costs: 100 targets each minute, CPU and memory, beside a Node process that does nothing.
//   node bench/idle.ts [SECONDS]
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { labOfManyServices } from './manyServices.ts'

const TARGETS = 100
const seconds = Number(process.argv[2] ?? 180)
/** From the kernel's clock tick; 100 on every Linux that runs Node. */
const TICKS_PER_SECOND = 100

const directory = mkdtempSync(join(tmpdir(), 'vigil-bench-'))
const { lab, file } = await labOfManyServices(directory, TARGETS)

const vigil = spawn(
  process.execPath,
  [fileURLToPath(new URL('../bin/vigil.js', import.meta.url)), 'run', '-c', file],
  { stdio: 'ignore' },
)
const floor = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' })
await delay(30_000)
const before = [usage(vigil.pid), usage(floor.pid)]
await delay(seconds * 1000)
const after = [usage(vigil.pid), usage(floor.pid)]

console.log(`${TARGETS} targets each minute, ${seconds} s after a warm-up of 30 s`)
for (const [i, name] of ['vigil', 'idle Node'].entries()) {
  const cpu = ((after[i]?.cpu ?? 0) - (before[i]?.cpu ?? 0)) / seconds
  console.log(
    `${name.padEnd(10)} ${(100 * cpu).toFixed(2)} % of a core, ${((after[i]?.rss ?? 0) / 2 ** 20).toFixed(0)} MiB resident`,
  )
}
vigil.kill('SIGTERM')
floor.kill('SIGTERM')
await new Promise((resolve) => vigil.once('exit', resolve))
await lab.close()
rmSync(directory, { recursive: true })

/** CPU seconds and resident octets of a process, all threads. */
function usage(pid: number | undefined): { cpu: number; rss: number } {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const rss = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    rss: Number(rss?.[1] ?? 0) * 1024,
  }
}
