import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, it, test } from 'node:test'
import { z } from 'zod'
import { needs } from '../support/needs.ts'
import { loadedFrom } from '../support/stack.ts'
import { temporaryDirectory, vigil } from '../support/vigil.ts'
import { buildContext, parseContainerfile } from './containerfile.ts'
import { Manifests, renderKustomization } from './manifests.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const read = (name: string): string => readFileSync(join(ROOT, name), 'utf8')
const render = (name: string): Manifests => new Manifests(renderKustomization(join(ROOT, 'k3s', name)))
const SECRETS = { 'vigil-secrets': { 'webhook.secret': `whsec_${Buffer.alloc(32, 7).toString('base64')}` } }
const FOLDERS = ['base', 'overlays/example'] as const

describe('k3s: what kubectl kustomize renders', needs('kubectl'), () => {
  it('is one object of each kind, all in the namespace', () => {
    for (const folder of FOLDERS) {
      const { objects } = render(folder)
      assert.deepEqual(objects.map((o) => o.kind).sort(), [
        'ConfigMap',
        'Namespace',
        'NetworkPolicy',
        'Service',
        'ServiceAccount',
        'StatefulSet',
      ])
      for (const o of objects)
        if (o.kind !== 'Namespace') assert.equal(o.metadata.namespace, 'pki-vigil', o.kind)
    }
  })

  it('holds a configuration that passes check-config as it will lie in the pod', async () => {
    for (const folder of FOLDERS) {
      using directory = temporaryDirectory()
      const files = render(folder).configFiles(SECRETS)
      for (const [name, text] of Object.entries(files)) writeFileSync(join(directory.path, name), text)
      const { code, stdout, stderr } = await vigil(['check-config', '-c', join(directory.path, 'vigil.yaml')])
      assert.equal(code, 0, `${folder}: ${stdout}${stderr}`)
    }
  })

  it('writes to the volume, listens where the probes ask, and reads the file that it is told', () => {
    for (const folder of FOLDERS) {
      const manifests = render(folder)
      const loaded = loadRendered(manifests)
      const mount = (name: string): string =>
        manifests.container.volumeMounts.find((m) => m.name === name)?.mountPath ?? 'nowhere'
      for (const path of [loaded.journalDirectory, loaded.keyFile, loaded.storeFile])
        assert.ok(path.startsWith(`${mount('data')}/`), path)
      assert.deepEqual(manifests.container.args, ['run', '-c', `${mount('config')}/vigil.yaml`])
      assert.equal(loaded.config.server.listen, `0.0.0.0:${manifests.container.ports[0]?.containerPort ?? 0}`)
    }
  })

  it('lets nothing out but what it declares, and declares all that the configuration names', () => {
    const manifests = render('overlays/example')
    const { config, targets } = loadRendered(manifests)
    const open = new Set(manifests.egress.flatMap((rule) => rule.ports.map((p) => p.port)))
    const urls = [
      ...targets.filter((t) => t.probe !== 'tls').map((t) => t.address),
      config.alerts.alertmanager,
      config.remediation.webhook?.url,
    ].filter((url) => url !== undefined)
    const ports = [
      ...urls.map((url) => new URL(url)).map((u) => Number(u.port || (u.protocol === 'https:' ? 443 : 80))),
      ...config.inventory.services.map((s) => Number(s.endpoint.split(':').at(-1))),
    ]
    assert.ok(ports.length > 6)
    assert.deepEqual(
      [...open].toSorted((a, b) => a - b),
      [...new Set([53, ...ports])].toSorted((a, b) => a - b),
    )
  })

  it("asks the cluster's DNS by its own label", () => {
    for (const folder of FOLDERS) {
      const dns = render(folder).egress.find((rule) => rule.ports.some((p) => p.port === 53))
      assert.deepEqual(dns?.to[0]?.podSelector?.matchLabels, { 'k8s-app': 'kube-dns' })
    }
  })

  it('runs the image of this version, as the user of the image', () => {
    const { version } = z.object({ version: z.string() }).parse(JSON.parse(read('package.json')))
    const image = parseContainerfile(read('Containerfile')).at(-1)
    assert.ok(image)
    const { container, template } = render('base')
    assert.equal(container.image, `localhost/pki-vigil:${version}`)
    assert.equal(render('overlays/example').container.image.split(':').at(-1), version)
    const { runAsUser, runAsGroup, fsGroup } = template.spec.securityContext
    assert.equal(image.user, `${runAsUser}:${runAsGroup}`)
    assert.equal(fsGroup, runAsGroup)
    assert.deepEqual(image.command, container.args)
  })
})

test('the documented command makes a secret that vigil takes', needs('kubectl'), () => {
  const command = /^ *(openssl rand .*\| kubectl .*)$/m.exec(read('docs/k3s.md'))?.[1]
  assert.ok(command !== undefined)
  const { stdout, stderr } = spawnSync('sh', ['-c', `${command} --dry-run=client -o yaml`], {
    encoding: 'utf8',
  })
  assert.equal(stderr, '')
  const secret = z
    .object({ data: z.record(z.string(), z.string()) })
    .parse(new Manifests(stdout).one('Secret'))
  const files = { 'webhook.secret': Buffer.from(secret.data['webhook.secret'] ?? '', 'base64').toString() }
  loadRendered(render('overlays/example'), { 'vigil-secrets': files })
})

test('the Containerfile builds on the Node that is developed with, in every stage', () => {
  const { devDependencies } = z
    .object({ devDependencies: z.object({ node: z.string() }) })
    .parse(JSON.parse(read('package.json')))
  for (const { image } of parseContainerfile(read('Containerfile')))
    assert.equal(image, `node:${devDependencies.node}-bookworm-slim`)
})

test('the build gets no tests, no history and no installed packages', () => {
  const names = buildContext(ROOT)
  for (const name of ['test', '.git', 'node_modules', 'dist', 'docs', 'k3s', 'bench'])
    assert.equal(names.includes(name), false, name)
})

/** Reads the configuration as the pod would; fails with its problems. */
function loadRendered(manifests: Manifests, secrets: Parameters<Manifests['configFiles']>[0] = SECRETS) {
  using directory = temporaryDirectory()
  for (const [name, text] of Object.entries(manifests.configFiles(secrets)))
    writeFileSync(join(directory.path, name), text)
  return loadedFrom(join(directory.path, 'vigil.yaml'))
}
