import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { networkInterfaces } from 'node:os'
import { dirname, join } from 'node:path'
import { after, before, describe, it, type TestOptions } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { freePorts } from '../support/ports.ts'
import { temporaryDirectory, vigil } from '../support/vigil.ts'
import { buildStages, parseContainerfile, type Stage } from './containerfile.ts'
import { Manifests, renderKustomization } from './manifests.ts'
import { startPod, type Pod } from './pod.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const NODE = dirname(process.execPath)
const READY_MS = 60_000
const POLL_MS = 100

/** It asks the package registry, takes a minute, and becomes another user in namespaces: only where that is wanted. */
function wanted(): TestOptions {
  if (process.env['VIGIL_REQUIRE'] === 'all' || process.env['VIGIL_CONTAINER'] !== undefined)
    return { timeout: 280_000 }
  return { skip: 'installs packages and needs root for namespaces: VIGIL_CONTAINER=1 runs it' }
}

describe('container: the steps of the Containerfile, run as the manifest says', wanted(), () => {
  const directory = temporaryDirectory()
  const manifests = new Manifests(renderKustomization(join(ROOT, 'k3s/base')))
  const pods: Pod[] = []
  let image: Stage
  let folder: string
  let port = 0

  before(async () => {
    // What is committed is what gets built.
    const tree = join(directory.path, 'tree')
    mkdirSync(tree)
    const unpacked = spawnSync('sh', ['-c', 'git archive HEAD | tar -x -C "$0"', tree], { cwd: ROOT })
    assert.equal(unpacked.status, 0, unpacked.stderr.toString())
    const stages = parseContainerfile(readFileSync(join(tree, 'Containerfile'), 'utf8'))
    folder = buildStages(stages, {
      tree,
      directory: directory.path,
      path: `${NODE}:${process.env['PATH'] ?? ''}`,
    })
    const last = stages.at(-1)
    assert.ok(last)
    image = last
    port = (await freePorts(1))[0] ?? 0
  })
  after(async () => {
    for (const pod of pods) await pod.kill()
    directory[Symbol.dispose]()
  })

  async function start(): Promise<Pod> {
    const files = manifests.configFiles({})
    const pod = await startPod({
      image: folder,
      env: image.env,
      command: [...image.entrypoint, ...manifests.container.args],
      spec: manifests.template.spec,
      volumes: join(directory.path, 'volumes'),
      configFiles: { ...files, 'vigil.yaml': (files['vigil.yaml'] ?? '').replace(':9480', `:${port}`) },
      node: NODE,
    })
    pods.push(pod)
    return pod
  }

  async function ready(pod: Pod): Promise<void> {
    const deadline = Date.now() + READY_MS
    while ((await status('127.0.0.1', port, '/readyz')) !== 200) {
      assert.ok(Date.now() < deadline, `not ready: ${pod.log()}`)
      await delay(POLL_MS)
    }
  }

  it('has what runs, and nothing of the build', () => {
    const home = join(folder, 'opt/vigil')
    for (const name of [
      'bin/vigil.js',
      'dist/cli/main.js',
      'package.json',
      'LICENSE',
      'node_modules/express',
    ])
      assert.ok(existsSync(join(home, name)), name)
    for (const name of ['test', 'cli', 'scripts', 'node_modules/typescript', 'node_modules/node'])
      assert.equal(existsSync(join(home, name)), false, name)
  })

  it('becomes ready, as process 1 without rights, and answers the kubelet and scrapers', async () => {
    const pod = await start()
    await ready(pod)
    const about = readFileSync(`/proc/${pod.pid}/status`, 'utf8')
    const { runAsUser, runAsGroup } = manifests.template.spec.securityContext
    assert.match(about, new RegExp(`^Uid:(\\s+${runAsUser}){4}$`, 'm'))
    assert.match(about, new RegExp(`^Gid:(\\s+${runAsGroup}){4}$`, 'm'))
    assert.match(about, /^NSpid:.*\t1$/m)
    assert.match(about, /^NoNewPrivs:\t1$/m)
    for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd'])
      assert.match(about, new RegExp(`^${set}:\t0+$`, 'm'))

    const address = ownAddress()
    for (const path of ['/healthz', '/readyz', '/metrics', '/'])
      assert.equal(await status(address, port, path), 200, `${address} ${path}`)
    assert.equal(await status(address, port, '/metrics', 'vigil.pki-vigil.svc:9480'), 200)
    assert.equal(await status(address, port, '/metrics', `vigil.example.net:${port}`), 421)
    assert.equal(await pod.terminate(), 0, pod.log())
    assert.match(pod.log(), /SIGTERM: stopping/)
  })

  it('keeps its journal on the volume: a new pod goes on with it, and it verifies', async () => {
    const data = join(directory.path, 'volumes/data')
    const key = statSync(join(data, 'journal.key'))
    assert.deepEqual([key.mode & 0o777, key.uid], [0o600, manifests.template.spec.securityContext.runAsUser])
    const size = checkpointSize(data)
    const pod = await start()
    await ready(pod)
    assert.equal(await pod.terminate(), 0, pod.log())
    assert.ok(checkpointSize(data) > size)
    const { code, stdout, stderr } = await vigil(['verify', join(data, 'journal')])
    assert.equal(code, 4, `self-consistent, no key was given: ${stdout}${stderr}`)
  })
})

/** The second line of a checkpoint is the size of the log. */
function checkpointSize(data: string): number {
  return Number(readFileSync(join(data, 'journal/checkpoint'), 'utf8').split('\n')[1])
}

/** An address that is not the loopback one, where there is one: a pod is asked at its own. */
function ownAddress(): string {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return all.find((a) => a.family === 'IPv4' && !a.internal)?.address ?? '127.0.0.1'
}

/** The status of an answer; 0 when there is none. */
function status(host: string, port: number, path: string, name = `${host}:${port}`): Promise<number> {
  return new Promise((resolve) => {
    request({ host, port, path, agent: false, headers: { host: name } }, (response) => {
      response.resume().on('end', () => resolve(response.statusCode ?? 0))
    })
      .on('error', () => resolve(0))
      .end()
  })
}
