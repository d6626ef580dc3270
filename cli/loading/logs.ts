import type { KeyObject } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { ApiAccess } from '../../collectors/sources/api/client.ts'
import type { BeatsListenerOptions } from '../../collectors/sources/beats/listener.ts'
import type { LogConfig } from '../../model/config.ts'
import { parseListen } from '../../server/guard.ts'
import { checkCron } from './cron.ts'
import type { Declared, Path } from './declared.ts'

// What the sources of logs need: certificates, keys, secrets.

export type BeatsFiles = Omit<BeatsListenerOptions, 'onProblem'>

export function beatsOf(from: Declared): BeatsFiles | undefined {
  const { beats, inventory } = from.file.config
  inventory.logs.forEach((log, i) => {
    if (log.beats !== undefined && beats === undefined)
      from.refuse(
        ['inventory', 'logs', i, 'beats'],
        'nobody can ship it: `beats` with an address to listen on is missing',
      )
  })
  if (beats === undefined) return undefined
  const read = (key: 'certificate_file' | 'key_file' | 'client_ca_file'): string =>
    from.read(['beats', key], beats[key])?.toString('utf8') ?? ''
  const files = {
    certificate: read('certificate_file'),
    key: read('key_file'),
    clientCa: read('client_ca_file'),
  }
  try {
    createSecureContext({ cert: files.certificate, key: files.key, ca: files.clientCa })
  } catch (error) {
    from.refuse(
      ['beats'],
      `not a certificate with its key, and CAs, in PEM: ${error instanceof Error ? error.message : String(error)}`,
    )
  }
  return { ...parseListen(beats.listen), ...files }
}

export function logAccessOf(from: Declared): Map<string, ApiAccess> {
  const access = new Map<string, ApiAccess>()
  from.file.config.inventory.logs.forEach(({ id, certctl, dagster, elasticsearch }, i) => {
    const path = ['inventory', 'logs', i]
    if (certctl !== undefined)
      access.set(id, {
        url: certctl.url,
        headers: {
          authorization: `Bearer ${from.secret([...path, 'certctl', 'api_key_file'], certctl.api_key_file)}`,
        },
        ...from.caOf([...path, 'certctl', 'ca_file'], certctl.ca_file),
      })
    if (dagster !== undefined) {
      const secret = (key: 'authorization_file' | 'token_file', header: string): ApiAccess['headers'] =>
        dagster[key] === undefined ? {} : { [header]: from.secret([...path, 'dagster', key], dagster[key]) }
      access.set(id, {
        url: dagster.url,
        headers: {
          ...secret('authorization_file', 'authorization'),
          ...secret('token_file', 'dagster-cloud-api-token'),
        },
        ...from.caOf([...path, 'dagster', 'ca_file'], dagster.ca_file),
      })
    }
    if (elasticsearch !== undefined)
      access.set(id, {
        url: elasticsearch.url,
        headers: elasticsearchLogin(from, [...path, 'elasticsearch'], elasticsearch),
        ...from.caOf([...path, 'elasticsearch', 'ca_file'], elasticsearch.ca_file),
      })
  })
  return access
}

function elasticsearchLogin(
  from: Declared,
  path: Path,
  { username, password_file, api_key_file }: NonNullable<LogConfig['elasticsearch']>,
): ApiAccess['headers'] {
  if (api_key_file !== undefined)
    return { authorization: `ApiKey ${from.secret([...path, 'api_key_file'], api_key_file)}` }
  if (username === undefined || password_file === undefined) return {}
  const pair = `${username}:${from.secret([...path, 'password_file'], password_file)}`
  return { authorization: `Basic ${Buffer.from(pair).toString('base64')}` }
}

export function logSignersOf(from: Declared): Map<string, KeyObject[]> {
  return new Map(
    from.file.config.inventory.logs.map(({ id, signing_keys = [] }, i) => [
      id,
      signing_keys.flatMap(
        (name, k) => from.publicKey(['inventory', 'logs', i, 'signing_keys', k], name) ?? [],
      ),
    ]),
  )
}

/** That jobs are due at times that come, and that deployments are on services that there are. */
export function checkLogs(from: Declared): void {
  const { logs, services } = from.file.config.inventory
  logs.forEach(({ jobs = [], deployments = [] }, i) => {
    const path = ['inventory', 'logs', i]
    jobs.forEach(({ cron, timezone }, j) => checkCron(from, [...path, 'jobs', j, 'cron'], { cron, timezone }))
    deployments.forEach(({ service, environment }, j) => {
      const isDeclared = services.some(
        (one) =>
          (service === undefined || one.id === service) &&
          (environment === undefined || one.environment === environment),
      )
      if (!isDeclared)
        from.refuse([...path, 'deployments', j], 'expected a service and environment of the inventory')
    })
  })
}
