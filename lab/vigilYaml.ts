// Writes a vigil.yaml for a running lab, with the certificates and secrets that it names.
import { X509Certificate } from 'node:crypto'
import { chmod, mkdir, rm, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { stringify } from 'yaml'
import type { z } from 'zod'
import { configSchema } from '../model/config.ts'
import { formatDuration } from '../model/time.ts'
import { JSON_MAPPING } from './caLog.ts'
import { LAB_JOB } from './dagsterLog.ts'
import { toPem } from './issue.ts'
import type { LabAuthority, LabCrl, LabService } from './inventory.ts'
import type { Lab } from './lab.ts'
import type { CredentialFiles, CredentialName } from './prober.ts'

type ConfigInput = z.input<typeof configSchema>

const PKI = 'pki'
const SECRET_FILE = 'webhook.secret'

/** What no service serves: certificates of clients, and signers of OCSP answers, by the numbers of their profiles. */
const EXPECTED = [{ profile: '1' }, { profile: '4', subject: 'CN=ocsp-*' }] as const

/** Everything but the inventory. `alerts` and `remediation` are merged with the lab's own receiver and webhook. */
export interface VigilYamlOptions extends Omit<Partial<ConfigInput>, 'inventory'> {
  /** Where vigil.yaml and its files go; created if need be, files of an earlier lab are replaced. */
  readonly directory: string
  /** Of authorities and services, by id. */
  readonly tags?: Readonly<Record<string, readonly string[]>>
  /** Services that are tested for whom they let in, by id. */
  readonly enforcing?: readonly string[]
  /** Whether the log of the control plane is declared, with its job. Default: left out. */
  readonly controlPlaneLog?: 'watched' | 'left out'
}

/** Returns the path of vigil.yaml. Throws ZodError when the settings do not fit the schema. */
export async function writeVigilYaml(lab: Lab, options: VigilYamlOptions): Promise<string> {
  const { directory, tags = {}, enforcing = [], controlPlaneLog = 'left out', ...settings } = options
  await mkdir(join(directory, PKI), { recursive: true, mode: 0o700 })
  const { authorities, services, prober, hosts, log, otherLogs, dogtag, dagsterLog } = lab.inventory
  const credential = (name: CredentialName): CredentialFiles => {
    const { certificate_file, key_file } = prober.filesOf(name)
    return {
      certificate_file: relative(directory, certificate_file),
      key_file: relative(directory, key_file),
    }
  }
  const mtls = {
    foreign: credential('foreign'),
    expired: credential('expired'),
    revoked: credential('revoked'),
  }
  const config: ConfigInput = {
    ...settings,
    inventory: {
      authorities: [
        ...authorities.map((authority) => ({
          ...declareAuthority(authority),
          tags: [...(tags[authority.id] ?? [])],
        })),
        { id: dogtag.id, certificate: certificateFile(dogtag.id), issuer: 'root' },
      ],
      services: services.map((service) => ({
        ...declareService(service, credential('valid')),
        ...(enforcing.includes(service.id) ? { mtls } : {}),
        certificate: relative(directory, service.certificateFile),
        tags: [...(tags[service.id] ?? [])],
      })),
      logs: [
        {
          id: log.id,
          format: 'ejbca',
          path: relative(directory, log.path),
          authorities: [...log.authorities],
        },
        ...dogtag.clones.map((clone) => ({
          id: clone.id,
          format: 'dogtag' as const,
          path: relative(directory, clone.log.file),
          authorities: [dogtag.id],
          signing_keys: [relative(directory, dogtag.signingCertificateFile)],
          serials: { first: clone.range[0].toString(16), last: clone.range[1].toString(16) },
        })),
        ...(controlPlaneLog === 'watched' ? [declareControlPlane(relative(directory, dagsterLog))] : []),
        ...otherLogs.map(({ id, format, path, signerFile, authority }) => ({
          id,
          format,
          path: relative(directory, path),
          authorities: [authority],
          ...(format === 'json'
            ? { json: JSON_MAPPING }
            : { signing_keys: [relative(directory, signerFile)] }),
        })),
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
    if (authority.history.length > 0)
      await writePem(join(directory, historyFile(authority.id)), authority.history)
    if (authority.ocsp !== undefined) {
      await writePem(join(directory, canaryFile(authority.id)), [authority.ocsp.canary])
    }
  }
  await writePem(join(directory, certificateFile(dogtag.id)), [dogtag.certificate])
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
    crl: authority.crls.map(declareCrl),
    ...(authority.history.length === 0 ? {} : { issued: [historyFile(id)] }),
    ...(ocsp === undefined ? {} : { expected: EXPECTED.map((expected) => ({ ...expected })) }),
    ...(ocsp === undefined ? {} : { ocsp: [declareOcsp(authority, ocsp.url)] }),
  }
}

function declareControlPlane(path: string) {
  const { id, job, schedule, cron, grace, maxDuration } = LAB_JOB
  const durations = { grace: formatDuration(grace), max_duration: formatDuration(maxDuration) }
  return {
    id: 'dagster',
    format: 'dagster' as const,
    path,
    jobs: [{ id, job, schedule, cron, ...durations }],
  }
}

/** Of what was revoked before the lab began, the responder is asked about one. */
function declareOcsp({ id, history: [revoked] }: LabAuthority, url: string) {
  const declared = { url, certificate: canaryFile(id) }
  if (revoked === undefined) return declared
  return { ...declared, revoked: new X509Certificate(revoked).serialNumber.toLowerCase() }
}

function declareCrl({ url, copies, partitions, deltaUrl, issuedEvery }: LabCrl) {
  const schedule = issuedEvery === undefined ? {} : { issued_every: formatDuration(issuedEvery) }
  return {
    url,
    ...(copies.length === 0 ? {} : { copies: [...copies] }),
    ...(partitions === undefined ? {} : { partitions: [...partitions] }),
    ...schedule,
    ...(deltaUrl === undefined ? {} : { delta: { url: deltaUrl, ...schedule } }),
  }
}

function declareService(service: LabService, client: CredentialFiles) {
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

function historyFile(authority: string): string {
  return `${PKI}/history-${authority}.pem`
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
