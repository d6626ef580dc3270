import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { after, before, describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'
import {
  kubernetesHome,
  needsKubernetes,
  startKubernetes,
  type TestKubernetes,
} from '../support/kubernetes.ts'
import { temporaryDirectory } from '../support/vigil.ts'
import { Manifests, renderKustomization, type Container, type PodSpec } from './manifests.ts'

const K3S = fileURLToPath(new URL('../../k3s', import.meta.url))
const BASE = join(K3S, 'base')
const EXAMPLE = join(K3S, 'overlays/example')
const ACCOUNT = 'system:serviceaccount:pki-vigil:vigil'
const APPLY = ['apply', '--server-side', '--validate=strict']

/** The pod that the StatefulSet's controller would make: the template, with the claim in place of its template. */
function podOf(manifests: Manifests, spec: PodSpec = manifests.template.spec): string {
  const { labels } = manifests.template.metadata
  const data = { name: 'data', persistentVolumeClaim: { claimName: 'data-vigil-0' } }
  return JSON.stringify({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: 'vigil-0', namespace: 'pki-vigil', labels },
    spec: { ...spec, volumes: [...spec.volumes, data] },
  })
}

/** Each takes one thing back that `restricted` asks for. */
const WEAKER: Readonly<Record<string, (pod: PodSpec) => PodSpec>> = {
  privileged: inContainer({ privileged: true, allowPrivilegeEscalation: true }),
  'may gain privileges': inContainer({ allowPrivilegeEscalation: undefined }),
  'keeps the default capabilities': inContainer({ capabilities: undefined }),
  'adds a capability': inContainer({ capabilities: { drop: ['ALL'], add: ['NET_RAW'] } }),
  'as root': inPod({ runAsUser: 0 }),
  'does not say that it is not root': inPod({ runAsNonRoot: undefined }),
  'without a seccomp profile': inPod({ seccompProfile: undefined }),
  'in the network of the node': (pod) => ({ ...pod, hostNetwork: true }),
  'sees the processes of the node': (pod) => ({ ...pod, hostPID: true }),
  'with a folder of the node': (pod) => ({
    ...pod,
    volumes: [...pod.volumes, { name: 'node', hostPath: { path: '/' } }],
  }),
}

function inPod(change: Record<string, unknown>): (pod: PodSpec) => PodSpec {
  return (pod) => ({ ...pod, securityContext: { ...pod.securityContext, ...change } })
}

function inContainer(change: Record<string, unknown>): (pod: PodSpec) => PodSpec {
  return (pod) => {
    const [container] = pod.containers
    const changed: Container = {
      ...container,
      securityContext: { ...container.securityContext, ...change },
    }
    return { ...pod, containers: [changed] }
  }
}

describe('k3s: what a real kube-apiserver says', needsKubernetes(), () => {
  let kubernetes: TestKubernetes
  let manifests: Manifests

  before(async () => {
    kubernetes = await startKubernetes()
    manifests = new Manifests(renderKustomization(BASE))
    const { code, stderr } = kubernetes.kubectl([...APPLY, '-k', BASE])
    assert.equal(code, 0, stderr)
  })
  after(async () => {
    await kubernetes[Symbol.asyncDispose]()
  })

  it('accepts all objects, strictly read, and again without a change', () => {
    const { code, stdout, stderr } = kubernetes.kubectl([...APPLY, '-k', BASE])
    assert.deepEqual([code, stderr], [0, ''])
    assert.equal(stdout.trim().split('\n').length, manifests.objects.length)
    const { stdout: stored } = kubernetes.kubectl([
      ...['-n', 'pki-vigil', 'get', 'statefulset,service,networkpolicy,serviceaccount', '-o', 'name'],
    ])
    for (const name of ['statefulset.apps/vigil', 'service/vigil', 'networkpolicy.networking.k8s.io/vigil'])
      assert.match(stored, new RegExp(`^${name}$`, 'm'))
  })

  it('refuses a field that Kubernetes does not know: reading is strict', () => {
    const misspelt = podOf(manifests).replace('enableServiceLinks', 'enableServiceLink')
    const { code, stderr } = kubernetes.kubectl([...APPLY, '--dry-run=server', '-f', '-'], misspelt)
    assert.notEqual(code, 0)
    assert.match(stderr, /enableServiceLink\b/)
  })

  it('accepts the example, in another namespace too', () => {
    using directory = temporaryDirectory()
    const resources = [relative(directory.path, EXAMPLE)]
    writeFileSync(
      join(directory.path, 'kustomization.yaml'),
      JSON.stringify({ namespace: 'vigil-example', resources }),
    )
    const { code, stderr } = kubernetes.kubectl([...APPLY, '-k', directory.path])
    assert.deepEqual([code, stderr], [0, ''])
  })

  it('admits the pod under Pod Security "restricted", without a token', () => {
    const { code, stdout, stderr } = kubernetes.kubectl(
      ['create', '--validate=strict', '-o', 'json', '-f', '-'],
      podOf(manifests),
    )
    assert.deepEqual([code, stderr], [0, ''], 'not even a warning')
    assert.doesNotMatch(stdout, /kube-api-access|serviceAccountToken/)
  })

  for (const [what, weaken] of Object.entries(WEAKER))
    it(`refuses the pod: ${what}`, () => {
      const pod = podOf(manifests, weaken(manifests.template.spec)).replace('vigil-0', 'vigil-1')
      const { code, stderr } = kubernetes.kubectl(['create', '-f', '-'], pod)
      assert.notEqual(code, 0)
      assert.match(stderr, /violates PodSecurity "restricted:latest"/)
    })

  it('gives the service account no right', () => {
    const can = (args: readonly string[]): string =>
      kubernetes.kubectl(['auth', 'can-i', ...args]).stdout.trim()
    assert.equal(can(['get', 'secrets', '-n', 'pki-vigil']), 'yes', 'the administrator may')
    for (const question of [
      ['*', '*'],
      ['*', '*', '-n', 'pki-vigil'],
      ['get', 'secrets', '-n', 'pki-vigil'],
      ['get', 'configmaps', '-n', 'pki-vigil'],
      ['list', 'pods', '-n', 'pki-vigil'],
      ['create', 'pods', '-n', 'pki-vigil'],
      ['create', 'serviceaccounts/token', '-n', 'pki-vigil'],
      ['list', 'nodes'],
    ])
      assert.equal(can([...question, `--as=${ACCOUNT}`]), 'no', question.join(' '))
  })
})

describe('k3s: kubeconform', needsKubernetes(), () => {
  const conform = (input: string) =>
    spawnSync(
      join(kubernetesHome(), 'kubeconform'),
      [
        ...['-strict', '-summary', '-kubernetes-version', '1.36.3', '-schema-location'],
        join(
          kubernetesHome(),
          'schemas/{{.NormalizedKubernetesVersion}}-standalone{{.StrictSuffix}}/{{.ResourceKind}}{{.KindSuffix}}.json',
        ),
      ],
      { input, encoding: 'utf8' },
    )

  it('finds nothing in what is rendered', () => {
    for (const folder of [BASE, EXAMPLE]) {
      const { status, stdout, stderr } = conform(renderKustomization(folder))
      assert.equal(status, 0, stdout + stderr)
      assert.match(stdout, /6 resources found .* Valid: 6, Invalid: 0, Errors: 0, Skipped: 0/)
    }
  })

  it('would find a field that does not exist', () => {
    const { status, stdout } = conform(
      renderKustomization(BASE).replace('clusterIP: None', 'clusterIp: None'),
    )
    assert.equal(status, 1, stdout)
    assert.match(stdout, /Service vigil is invalid/)
  })
})
