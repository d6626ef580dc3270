// Runs an image's folder as a pod's container runs: root file system read-only, volumes mounted, another user without capabilities,
// process 1 of its own. Needs root, for namespaces. The network is the machine's, and /usr is (for what the base image brings).
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, chownSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PodSpec } from './manifests.ts'

const SCRIPT = fileURLToPath(new URL('pod.sh', import.meta.url))

interface PodOptions {
  /** Folder of the image. */
  readonly image: string
  readonly env: Readonly<Record<string, string>>
  /** Entry point and arguments. */
  readonly command: readonly string[]
  readonly spec: PodSpec
  /** Folder for the volumes; the data volume in it is used again when it is there. */
  readonly volumes: string
  readonly configFiles: Readonly<Record<string, string>>
  /** Folder of the node that stands for the base image's. */
  readonly node: string
}

export interface Pod {
  /** Process 1 of the container, by the machine's number. */
  readonly pid: number
  readonly log: () => string
  /** SIGTERM to process 1; the exit code. */
  terminate(): Promise<number | null>
  kill(): Promise<void>
}

export async function startPod(options: PodOptions): Promise<Pod> {
  const { securityContext } = options.spec
  const data = join(options.volumes, 'data')
  mkdirSync(data, { recursive: true })
  // As fsGroup leaves a fresh volume: root's, and the group's.
  chownSync(data, 0, securityContext.fsGroup)
  chmodSync(data, 0o2770)
  const config = projectedVolume(options.volumes, options.configFiles, securityContext.fsGroup)
  const tmp = join(options.volumes, 'tmp')
  mkdirSync(tmp, { recursive: true })
  chmodSync(tmp, 0o1777)
  const child = spawn(
    'unshare',
    [
      ...['--mount', '--pid', '--fork', '--kill-child', 'sh', SCRIPT],
      ...[options.image, config, data, tmp, options.node],
      ...[String(securityContext.runAsUser), String(securityContext.runAsGroup)],
      ...Object.entries(options.env).map(([name, value]) => `${name}=${value}`),
      ...options.command,
    ],
    { stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let log = ''
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (log += text))
  const exited = once(child, 'exit')
  // The script prints this just before it becomes the container's program.
  while (!log.includes('container: starting\n')) {
    const [first] = await Promise.race([once(child.stdout, 'data'), exited.then(() => [undefined])])
    if (first === undefined) throw new Error(`the container did not start: ${log}`)
  }
  const pid = childOf(child)
  return {
    pid,
    log: () => log,
    async terminate() {
      process.kill(pid, 'SIGTERM')
      await exited
      return child.exitCode
    },
    async kill() {
      if (child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
      await exited
    },
  }
}

/** As the kubelet writes it: files behind a symbolic link that it swaps, readable for the group. */
function projectedVolume(volumes: string, files: Readonly<Record<string, string>>, group: number): string {
  const config = join(volumes, `config-${process.hrtime.bigint()}`)
  mkdirSync(join(config, '..1'), { recursive: true })
  symlinkSync('..1', join(config, '..data'))
  for (const [name, text] of Object.entries(files)) {
    const file = join(config, '..1', name)
    writeFileSync(file, text)
    chownSync(file, 0, group)
    chmodSync(file, 0o440)
    symlinkSync(join('..data', name), join(config, name))
  }
  return config
}

function childOf(parent: ChildProcess): number {
  const pid = parent.pid ?? 0
  const [first] = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ')
  if (first === undefined || first === '') throw new Error('expected a process in the container, got none')
  return Number(first)
}
