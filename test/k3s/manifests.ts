import { execFileSync } from 'node:child_process'
import { parseAllDocuments } from 'yaml'
import { z } from 'zod'

// The parts of the manifests that the tests read.

const object = z.looseObject({
  apiVersion: z.string(),
  kind: z.string(),
  metadata: z.looseObject({ name: z.string(), namespace: z.string().optional() }),
})
export type KubernetesObject = z.output<typeof object>

const projected = z.strictObject({
  configMap: z.strictObject({ name: z.string() }).optional(),
  secret: z.strictObject({ name: z.string(), optional: z.boolean() }).optional(),
})

const container = z.looseObject({
  image: z.string(),
  args: z.array(z.string()),
  ports: z.array(z.looseObject({ name: z.string(), containerPort: z.int() })),
  volumeMounts: z.array(z.looseObject({ name: z.string(), mountPath: z.string() })),
  securityContext: z.looseObject({}),
})
export type Container = z.output<typeof container>

const podSpec = z.looseObject({
  terminationGracePeriodSeconds: z.number(),
  securityContext: z.looseObject({ runAsUser: z.int(), runAsGroup: z.int(), fsGroup: z.int() }),
  containers: z.tuple([container]),
  volumes: z.array(
    z.looseObject({ name: z.string(), projected: z.looseObject({ sources: z.array(projected) }).optional() }),
  ),
})
export type PodSpec = z.output<typeof podSpec>

const statefulSet = z.looseObject({
  spec: z.looseObject({
    template: z.looseObject({
      metadata: z.looseObject({ labels: z.record(z.string(), z.string()) }),
      spec: podSpec,
    }),
  }),
})

const peer = z.looseObject({
  podSelector: z.looseObject({ matchLabels: z.record(z.string(), z.string()) }).optional(),
  namespaceSelector: z.looseObject({}).optional(),
})
const networkPolicy = z.looseObject({
  spec: z.looseObject({
    egress: z.array(
      z.looseObject({
        to: z.array(peer),
        ports: z.array(z.strictObject({ protocol: z.string(), port: z.int() })),
      }),
    ),
  }),
})

const configMap = z.looseObject({ data: z.record(z.string(), z.string()) })

export class Manifests {
  readonly objects: readonly KubernetesObject[]

  constructor(text: string) {
    this.objects = parseAllDocuments(text).map((document) => object.parse(document.toJS()))
  }

  one(kind: string): KubernetesObject {
    const found = this.objects.filter((o) => o.kind === kind)
    if (found[0] === undefined || found.length > 1)
      throw new Error(`expected one ${kind}, got ${found.length}`)
    return found[0]
  }

  get template() {
    return statefulSet.parse(this.one('StatefulSet')).spec.template
  }

  get egress() {
    return networkPolicy.parse(this.one('NetworkPolicy')).spec.egress
  }

  get container(): Container {
    return this.template.spec.containers[0]
  }

  /** Files of the projected volume, by name: ConfigMaps as rendered, Secrets as given by name. */
  configFiles(secrets: Readonly<Record<string, Readonly<Record<string, string>>>>): Record<string, string> {
    const volume = this.template.spec.volumes.find((v) => v.projected !== undefined)
    const files: Record<string, string> = {}
    for (const { configMap: map, secret } of volume?.projected?.sources ?? []) {
      const found = this.objects.find((o) => o.kind === 'ConfigMap' && o.metadata.name === map?.name)
      if (map !== undefined) Object.assign(files, configMap.parse(found).data)
      if (secret !== undefined) Object.assign(files, secrets[secret.name])
    }
    return files
  }
}

/** What `kubectl apply -k` would send. */
export function renderKustomization(folder: string): string {
  return execFileSync('kubectl', ['kustomize', folder], { encoding: 'utf8' })
}
