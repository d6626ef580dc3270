// Writes a vigil.yaml for a running lab, with the certificates and secrets that it names.
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { stringify } from 'yaml'
import type { z } from 'zod'
import { configSchema } from '../model/config.ts'
import { toPem } from './issue.ts'
import type { LabAuthority, LabService } from './inventory.ts'
import type { Lab } from './lab.ts'

type ConfigInput = z.input<typeof configSchema>

const PKI = 'pki'
const SECRET_FILE = 'webhook.secret'

/** Everything but the inventory. `alerts` and `remediation` are merged with the lab's own receiver and webhook. */
export interface VigilYamlOptions extends Omit<Partial<ConfigInput>, 'inventory'> {
  /** Where vigil.yaml and its files go; created if need be, files of an earlier lab are replaced. */
  readonly directory: string
}

/** Returns the path of vigil.yaml. Throws ZodError when the settings do not fit the schema. */
export async function writeVigilYaml(lab: Lab, options: VigilYamlOptions): Promise<string> {
  const { directory, ...settings } = options
  await mkdir(join(directory, PKI), { recursive: true, mode: 0o700 })
  const { authorities, services, client, hosts, log } = lab.inventory
  const prober = { certificate_file: `${PKI}/prober.pem`, key_file: `${PKI}/prober.key` }
  const config: ConfigInput = {
    ...settings,
    inventory: {
      authorities: authorities.map(declareAuthority),
      services: services.map((service) => declareService(service, prober)),
      logs: [
        {
          id: log.id,
          format: 'ejbca',
          path: relative(directory, log.path),
          authorities: [...log.authorities],
        },
      ],
    },
    probes: { ...settings.probes, hosts: { ...mutable(hosts), ...settings.probes?.hosts } },
    alerts: { alertmanager: lab.alerts.url, ...settings.alerts },
    remediation: {
      webhook: { url: lab.webhook.url, secret_file: SECRET_FILE },
      ...settings.remediation,
    },
  }
  configSchema.parse(config)

  for (const authority of authorities) {
    await writePem(join(directory, certificateFile(authority.id)), [authority.certificate])
    if (authority.ocsp !== undefined) {
      await writePem(join(directory, canaryFile(authority.id)), [authority.ocsp.canary])
    }
  }
  await writePem(join(directory, prober.certificate_file), client.chain)
  await writeSecret(
    join(directory, prober.key_file),
    client.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
  )
  await writeSecret(join(directory, SECRET_FILE), `${lab.webhook.secret}\n`)
  const file = join(directory, 'vigil.yaml')
  await writeFile(
    file,
    `# Written by the lab; its ports and keys are new with every start.\n${stringify(config)}`,
  )
  return file
}

function declareAuthority(authority: LabAuthority) {
  const { id, ocsp } = authority
  return {
    id,
    class: authority.class,
    certificate: certificateFile(id),
    ...(authority.issuer === undefined ? {} : { issuer: authority.issuer }),
    crl: authority.crlUrls.map((url) => ({ url })),
    ...(ocsp === undefined ? {} : { ocsp: [{ url: ocsp.url, certificate: canaryFile(id) }] }),
  }
}

function declareService(service: LabService, client: { certificate_file: string; key_file: string }) {
  const { id, environment, endpoint, servername, issuer, owner, clientCertificate } = service
  const declared = { id, environment, endpoint, servername, issuer, owner }
  return clientCertificate === 'required' ? { ...declared, client } : declared
}

/** The schema's types are not readonly. */
function mutable(hosts: Readonly<Record<string, readonly string[]>>): Record<string, string[]> {
  return Object.fromEntries(Object.entries(hosts).map(([name, addresses]) => [name, [...addresses]]))
}

function certificateFile(authority: string): string {
  return `${PKI}/${authority}.pem`
}

function canaryFile(authority: string): string {
  return `${PKI}/canary-${authority}.pem`
}

async function writePem(file: string, certificates: readonly Uint8Array[]): Promise<void> {
  await writeFile(file, certificates.map((der) => toPem(der, 'CERTIFICATE')).join(''))
}

/** Mode 0600 from the first byte on: an existing file would keep its own mode. */
async function writeSecret(file: string, text: string): Promise<void> {
  await rm(file, { force: true })
  await writeFile(file, text, { mode: 0o600, flag: 'wx' })
  await chmod(file, 0o600)
}
