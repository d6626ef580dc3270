import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { freePorts } from './ports.ts'

/** Milliseconds that nginx may take to listen, or to end. */
const PATIENCE = 10_000
const POLL_MS = 20

/** A real nginx with files and configuration of its own. */
export interface TestNginx extends AsyncDisposable {
  readonly port: number
  /** Where its files are; `-p`. */
  readonly directory: string
  /** Reads its configuration and files again, as `nginx -s reload`; connections that are open go on. */
  reload(): void
}

/**
 * `http` is the content of the block of that name, with `PORT` where the port stands; names of files in it are relative to the folder in which
 * `files` are written. Rejects with what nginx says of its configuration.
 */
export async function startNginx(options: {
  readonly http: string
  readonly files: Readonly<Record<string, string | Uint8Array>>
  /** `several`: as it runs everywhere, and the only way in which nothing is lost over a reload. */
  readonly processes?: 'one' | 'several'
}): Promise<TestNginx> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-nginx-'))
  const [port = 0] = await freePorts(1)
  for (const [name, content] of Object.entries(options.files))
    await writeFile(join(directory, name), content, { mode: 0o600 })
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  await writeFile(
    join(directory, 'nginx.conf'),
    [
      `daemon off; master_process ${options.processes === 'several' ? 'on' : 'off'}; worker_processes 1;`,
      // Otherwise the workers of root's nginx may not read its files.
      process.getuid?.() === 0 ? 'user root;' : '',
      'pid nginx.pid; error_log error.log info; events {}',
      `http { access_log off; ${temporary.map((name) => `${name}_temp_path ${name};`).join(' ')}`,
      options.http.replaceAll('PORT', String(port)),
      '}\n',
    ].join('\n'),
  )
  const args = ['-p', `${directory}/`, '-c', 'nginx.conf', '-e', 'error.log']
  const checked = spawnSync('nginx', [...args, '-t'], { encoding: 'utf8' })
  if (checked.status !== 0) {
    await rm(directory, { recursive: true, force: true })
    throw new Error(`expected a configuration that nginx takes: ${checked.stderr || String(checked.error)}`)
  }
  const child = spawn('nginx', args, { stdio: 'ignore' })
  const nginx: TestNginx = {
    port,
    directory,
    reload: () => void child.kill('SIGHUP'),
    async [Symbol.asyncDispose]() {
      if (child.exitCode === null && child.signalCode === null) {
        const gone = once(child, 'exit')
        const timer = setTimeout(() => child.kill('SIGKILL'), PATIENCE)
        child.kill('SIGTERM')
        await gone
        clearTimeout(timer)
      }
      await rm(directory, { recursive: true, force: true })
    },
  }
  const end = Date.now() + PATIENCE
  while (Date.now() < end) {
    if (await listens(port)) return nginx
    await delay(POLL_MS)
  }
  await nginx[Symbol.asyncDispose]()
  throw new Error(`expected nginx to listen on port ${port} within ${PATIENCE} ms`)
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
