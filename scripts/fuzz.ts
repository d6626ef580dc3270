// Mutates certificates, CRLs, OCSP answers and PEM files, a million times unless told otherwise, on all cores; see test/pki/fuzz/.
// --seed=N (random), --count=N (1000000), --index=N: only that input, with its stack.
import { randomInt } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Worker, isMainThread, parentPort, workerData } from 'node:worker_threads'
import { z } from 'zod'
import { fuzz, threadTime } from '../test/pki/fuzz/campaign.ts'
import type { Report } from '../test/pki/fuzz/campaign.ts'

/** Inputs between two lines of progress of one worker. */
const ROUND = 10_000

const job = z.object({ seed: z.int(), from: z.int(), step: z.int(), count: z.int() })
type Job = z.output<typeof job>

function work({ seed, from, step, count }: Job, progress: (done: number) => void): Report {
  return fuzz({ seed, from, step, now: threadTime }, (done) => {
    if (done > 0 && done % ROUND === 0) progress(ROUND)
    return done < count
  })
}

interface Message {
  readonly progress?: number
  readonly report?: Report
}

function inWorker(task: Job, progress: (done: number) => void): Promise<Report> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL(import.meta.url), { workerData: task })
    worker.on('message', (message: Message) => {
      if (message.progress !== undefined) progress(message.progress)
      if (message.report !== undefined) resolve(message.report)
    })
    worker.on('error', reject)
  })
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: { seed: { type: 'string' }, count: { type: 'string' }, index: { type: 'string' } },
  })
  const seed = Number(values.seed ?? randomInt(2 ** 31))
  const count = values.index === undefined ? Number(values.count ?? 1_000_000) : 1
  const workers = values.index === undefined ? availableParallelism() : 1
  console.log(`seed ${seed}, ${count} inputs`)
  let done = 0
  const progress = (n: number): void => {
    done += n
    if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${count}`)
  }
  const reports = await Promise.all(
    Array.from({ length: workers }, (_, i) =>
      inWorker(
        { seed, from: Number(values.index ?? 0) + i, step: workers, count: Math.ceil(count / workers) },
        progress,
      ),
    ),
  )
  if (process.stderr.isTTY) process.stderr.write('\n')
  for (const { inputs, outcomes, slowest, failures } of reports) {
    console.log(`${inputs} inputs, ${JSON.stringify(outcomes)}, slowest ${JSON.stringify(slowest)}`)
    for (const { target, index, changes, bytes, error } of failures) {
      const file = join(tmpdir(), `vigil-fuzz-${seed}-${index}.${target}`)
      writeFileSync(file, bytes)
      console.log(`FAILED ${target} after ${changes.join(', ')}: ${String(error)}`)
      if (error instanceof Error) console.log(error.stack)
      console.log(`  again: npm run fuzz -- --seed=${seed} --index=${index}; input: ${file}`)
      process.exitCode = 1
    }
  }
}

if (isMainThread) {
  await main()
} else {
  parentPort?.postMessage({
    report: work(job.parse(workerData), (n) => parentPort?.postMessage({ progress: n })),
  })
}
