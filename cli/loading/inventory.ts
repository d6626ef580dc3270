import { resolve } from 'node:path'
import type { AuthorityConfig, ServiceConfig } from '../../model/config.ts'
import type { Certificate } from '../../pki/certificate.ts'
import { checkCron } from './cron.ts'
import { resolveIssuers } from '../../probes/issuers.ts'
import type { Issuer } from '../../probes/probe.ts'
import { CurrentFile } from '../currentFile.ts'
import type { Declared, Path } from './declared.ts'

// What the inventory names: certificates, credentials, schedules.

/** Duplicate authorities are found with their issuers. */
export function refuseDuplicates(from: Declared): void {
  const { authorities, services, systems, logs } = from.file.config.inventory
  const refuse = (path: Path, keys: readonly string[], key: string): void => {
    keys.forEach((value, i) => {
      if (keys.indexOf(value) < i)
        from.refuse([...path, i, key], `"${value}" stands here already: name each once`)
    })
  }
  refuse(
    ['inventory', 'services'],
    services.map((s) => `${s.id},${s.environment}`),
    'id',
  )
  refuse(
    ['inventory', 'logs'],
    logs.map((l) => l.id),
    'id',
  )
  refuse(
    ['inventory', 'systems'],
    systems.map((s) => s.id),
    'id',
  )
  authorities.forEach(({ crl, ocsp }, i) => {
    refuse(
      ['inventory', 'authorities', i, 'crl'],
      crl.map((c) => c.url),
      'url',
    )
    refuse(
      ['inventory', 'authorities', i, 'ocsp'],
      ocsp.map((o) => o.url),
      'url',
    )
  })
}

export function issuersOf(from: Declared): ReadonlyMap<string, Issuer> {
  const { inventory } = from.file.config
  const certificates = new Map<string, Certificate>()
  inventory.authorities.forEach((authority, i) => {
    const certificate = from.certificate(
      ['inventory', 'authorities', i, 'certificate'],
      authority.certificate,
    )
    if (certificate !== undefined) certificates.set(authority.id, certificate)
  })
  const resolved = resolveIssuers(inventory, certificates)
  if (resolved.ok) return resolved.issuers
  for (const { path, message } of resolved.problems) from.refuse(path, message)
  return new Map()
}

/** Serial numbers of the certificates that responders are asked about, by file name. */
export function knownGoodOf(from: Declared): ReadonlyMap<string, string> {
  const serials = new Map<string, string>()
  from.file.config.inventory.authorities.forEach((authority, i) => {
    authority.ocsp.forEach(({ certificate: name }, j) => {
      if (name === undefined) return
      const certificate = from.certificate(['inventory', 'authorities', i, 'ocsp', j, 'certificate'], name)
      if (certificate !== undefined) serials.set(name, certificate.serial)
    })
  })
  return serials
}

/** Certificates that an authority is known to have issued, by its id. */
export function issuedOf(from: Declared): ReadonlyMap<string, readonly Certificate[]> {
  const { authorities } = from.file.config.inventory
  return new Map(
    authorities.map(({ id, issued = [] }, i) => [
      id,
      issued.flatMap((name, j) => from.certificates(['inventory', 'authorities', i, 'issued', j], name)),
    ]),
  )
}

/** The prober's own certificates and keys, PEM, by file name. */
export function credentialsOf(from: Declared): ReadonlyMap<string, CurrentFile> {
  const texts = new Map<string, CurrentFile>()
  const take = (path: Path, files: ServiceConfig['client']): void => {
    if (files === undefined) return
    for (const key of ['certificate_file', 'key_file'] as const) {
      const text = from.read([...path, key], files[key])?.toString('utf8')
      if (text !== undefined)
        texts.set(files[key], new CurrentFile(resolve(from.file.directory, files[key]), text))
    }
  }
  const { services, systems } = from.file.config.inventory
  services.forEach(({ client, mtls }, i) => {
    const path = ['inventory', 'services', i]
    take([...path, 'client'], client)
    for (const key of ['foreign', 'self_signed', 'expired', 'revoked'] as const)
      take([...path, 'mtls', key], mtls?.[key])
  })
  systems.forEach(({ client }, i) => take(['inventory', 'systems', i, 'client'], client))
  return texts
}

/** What the https servers of systems may lead to, by file name. */
export function anchorsOf(from: Declared): ReadonlyMap<string, Certificate> {
  const anchors = new Map<string, Certificate>()
  from.file.config.inventory.systems.forEach(({ ca_file: name }, i) => {
    const certificate =
      name === undefined ? undefined : from.certificate(['inventory', 'systems', i, 'ca_file'], name)
    if (name !== undefined && certificate !== undefined) anchors.set(name, certificate)
  })
  return anchors
}

/** Files with the newest certificate of a service: they come and go while it is watched, so that only probes read them. */
export function certificateFilesOf(from: Declared): ReadonlyMap<string, string> {
  const { config, directory } = from.file
  return new Map(
    config.inventory.services.flatMap(({ certificate: name }) =>
      name === undefined ? [] : [[name, resolve(directory, name)]],
    ),
  )
}

export function checkCrlSchedules(from: Declared): void {
  from.file.config.inventory.authorities.forEach(({ crl }, i) =>
    crl.forEach((declared, j) => {
      const path = ['inventory', 'authorities', i, 'crl', j]
      checkCrlSchedule(from, path, declared)
      if (declared.delta !== undefined) checkCrlSchedule(from, [...path, 'delta'], declared.delta)
    }),
  )
}

function checkCrlSchedule(
  from: Declared,
  path: Path,
  { issued_at, timezone = 'UTC' }: Pick<AuthorityConfig['crl'][number], 'issued_at' | 'timezone'>,
): void {
  if (issued_at !== undefined) checkCron(from, [...path, 'issued_at'], { cron: issued_at, timezone })
}
