import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stringify } from 'yaml'
import type { Figures } from './contest.ts'

/** From the kernel's clock tick; 100 on every Linux that runs Node. */
const TICKS_PER_SECOND = 100
const POLL_MS = 500
const LINE_FEED = 0x0a
/** Longest time in which nothing comes, before it is given up: Filebeat ends the last record after 3 s. */
const PATIENCE_MS = 30_000

/** VIGIL_FILEBEAT, or what test/services/filebeat.sh has built. */
function program(): string | undefined {
  const file = process.env['VIGIL_FILEBEAT'] ?? join(homedir(), '.cache/vigil-test/filebeat/filebeat')
  return existsSync(file) ? file : undefined
}

/** Has Filebeat write the records of a log to a file, with the input and the ids of filebeat/filebeat-vigil.yml. undefined: not installed. */
export async function filebeatToFile(
  log: string,
  directory: string,
  records: number,
): Promise<Figures | undefined> {
  const command = program()
  if (command === undefined) return undefined
  const out = join(directory, 'out')
  mkdirSync(directory)
  const config = join(directory, 'filebeat.yml')
  writeFileSync(config, stringify(configuration(log, out)), { mode: 0o600 })
  const paths = [...['--path.home', dirname(command)], ...['--path.data', join(directory, 'data')]]
  const child = spawn(command, ['-c', config, ...paths], { stdio: 'ignore' })
  try {
    let last = { at: performance.now(), records: 0 }
    for (;;) {
      await delay(POLL_MS)
      const written = linesOf(out)
      if (written >= records) return { operations: written, ...usage(child.pid) }
      if (written > last.records) last = { at: performance.now(), records: written }
      if (performance.now() - last.at > PATIENCE_MS)
        throw new Error(`expected ${records} records of Filebeat, got ${written}`)
    }
  } finally {
    const exited = new Promise((resolve) => child.once('exit', resolve))
    child.kill('SIGKILL')
    await exited
  }
}

function configuration(log: string, path: string): unknown {
  const parsers = [
    {
      multiline: {
        pattern: String.raw`^((\d{4}-\d\d-\d\d )?\d\d:\d\d:\d\d,\d{3} |\d{4}-\d\d-\d\d \d\d:\d\d:\d\d[+-]\d\d:\d\d;)`,
        negate: true,
        match: 'after',
        max_lines: 10_000,
        timeout: '3s',
      },
    },
  ]
  const fingerprint = {
    fields: ['position.source', 'log.file.fingerprint', 'log.offset', 'message'],
    method: 'sha256',
    target_field: 'event.id',
  }
  return {
    'filebeat.inputs': [
      {
        type: 'filestream',
        id: 'bench',
        paths: [log],
        'file_identity.fingerprint': null,
        prospector: { scanner: { fingerprint: { enabled: true, offset: 0, length: 128 } } },
        parsers,
        fields_under_root: true,
        fields: { position: { source: 'bench' } },
      },
    ],
    processors: [{ fingerprint }],
    'output.file': { path, filename: 'events', rotate_every_kb: 10_000_000, number_of_files: 2 },
    'logging.level': 'error',
    'logging.metrics.enabled': false,
  }
}

/** Lines in the files of a folder. */
function linesOf(folder: string): number {
  if (!existsSync(folder)) return 0
  let lines = 0
  for (const name of readdirSync(folder)) {
    const octets = readFileSync(join(folder, name))
    for (let at = octets.indexOf(LINE_FEED); at !== -1; at = octets.indexOf(LINE_FEED, at + 1)) lines++
  }
  return lines
}

function usage(pid: number | undefined): Pick<Figures, 'cpu' | 'rss'> {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const peak = /VmHWM:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return {
    cpu: (Number(fields[11]) + Number(fields[12])) / TICKS_PER_SECOND,
    rss: Number(peak?.[1] ?? 0) * 1024,
  }
}
