import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { homedir, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestOptions } from 'node:test'
import { fileURLToPath } from 'node:url'
import { freePorts } from './ports.ts'

interface Answer {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** A real kube-apiserver with its etcd on the loopback address; nothing schedules or runs pods. */
export interface TestKubernetes extends AsyncDisposable {
  /** As its administrator. */
  kubectl(args: readonly string[], input?: string): Answer
}

const UP = fileURLToPath(new URL('../services/kubernetes-up.sh', import.meta.url))
const PROGRAMS = ['kube-apiserver', 'etcd', 'kubeconform', 'schemas']

/** VIGIL_KUBERNETES, or what test/services/kubernetes-build.sh has made. */
function findHome(): string | undefined {
  const named = process.env['VIGIL_KUBERNETES']
  if (named !== undefined) return named
  const cache =
    process.env['VIGIL_TEST_CACHE'] ??
    join(process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'), 'vigil-test')
  const home = join(cache, 'kubernetes')
  return PROGRAMS.every((name) => existsSync(join(home, name))) ? home : undefined
}

/** Skipped with the reason where it can't be started, but under VIGIL_REQUIRE=all it runs and fails. */
export function needsKubernetes(): TestOptions {
  if (process.env['VIGIL_REQUIRE'] === 'all') return {}
  if (findHome() === undefined)
    return { skip: 'kube-apiserver is not installed (test/services/kubernetes-build.sh builds one)' }
  const missing = ['kubectl', 'openssl', 'bash'].find(
    (program) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status !== 0,
  )
  return missing === undefined ? {} : { skip: `${missing} is not installed` }
}

/** The folder with kube-apiserver, etcd, kubeconform and schemas/. */
export function kubernetesHome(): string {
  const home = findHome()
  if (home === undefined) throw new Error('no kube-apiserver: run test/services/kubernetes-build.sh')
  return home
}

export async function startKubernetes(): Promise<TestKubernetes> {
  const directory = await mkdtemp(join(tmpdir(), 'vigil-kubernetes-'))
  const ports = await freePorts(3)
  // The script stops the servers when its standard input ends, so that they don't outlive this process whatever happens to it.
  const child = spawn('nice', [UP, kubernetesHome(), directory, ...ports.map(String)], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  const exited = once(child, 'exit')
  const dispose = async (): Promise<void> => {
    child.stdin.end()
    await exited
    await rm(directory, { recursive: true, force: true })
  }
  const ready = await Promise.race([once(child.stdout, 'data').then(() => true), exited.then(() => false)])
  if (!ready) {
    await dispose()
    throw new Error(errors)
  }
  return {
    kubectl(args, input) {
      const { status, stdout, stderr } = spawnSync(
        'kubectl',
        ['--kubeconfig', join(directory, 'kubeconfig'), ...args],
        {
          encoding: 'utf8',
          input: input ?? '',
          // Its cache of the API goes to a folder that is removed; proxies and the like are not ours.
          env: { PATH: process.env['PATH'], HOME: directory },
        },
      )
      return { code: status, stdout, stderr }
    },
    [Symbol.asyncDispose]: dispose,
  }
}
