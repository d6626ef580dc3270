import type { KeyObject } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { ApiAccess } from '../../collectors/sources/api/client.ts'
import type { BeatsListenerOptions } from '../../collectors/sources/beats/listener.ts'
import type { LogConfig } from '../../model/config.ts'
import { messageOf } from '../../model/thrown.ts'
import { parseListen } from '../../server/guard.ts'
import { checkCron } from './cron.ts'
import type { Declared, Path } from './declared.ts'

// What the sources of logs need: certificates, keys, secrets.

/** As they are now. */
type Headers = () => ApiAccess['headers']

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
  const problem = pairProblem({ cert: files.certificate, key: files.key, ca: files.clientCa })
  if (problem !== undefined) from.refuse(['beats'], problem)
  return { ...parseListen(beats.listen), ...files }
}

/** Credentials are read again for every request, and connection: they may have been rotated. */
export function logAccessOf(from: Declared): Map<string, ApiAccess> {
  const access = new Map<string, ApiAccess>()
  from.file.config.inventory.logs.forEach(({ id, certctl, dagster, elasticsearch }, i) => {
    const path = ['inventory', 'logs', i]
    if (certctl !== undefined) {
      const key = from.currentSecret([...path, 'certctl', 'api_key_file'], certctl.api_key_file)
      access.set(id, {
        url: certctl.url,
        get headers() {
          return { authorization: `Bearer ${key()}` }
        },
        ...from.caOf([...path, 'certctl', 'ca_file'], certctl.ca_file),
      })
    }
    if (dagster !== undefined) {
      const secret = (key: 'authorization_file' | 'token_file', header: string): Headers => {
        if (dagster[key] === undefined) return () => ({})
        const value = from.currentSecret([...path, 'dagster', key], dagster[key])
        return () => ({ [header]: value() })
      }
      const authorization = secret('authorization_file', 'authorization')
      const token = secret('token_file', 'dagster-cloud-api-token')
      access.set(id, {
        url: dagster.url,
        get headers() {
          return { ...authorization(), ...token() }
        },
        ...from.caOf([...path, 'dagster', 'ca_file'], dagster.ca_file),
      })
    }
    if (elasticsearch !== undefined) {
      const login = elasticsearchLogin(from, [...path, 'elasticsearch'], elasticsearch)
      access.set(id, {
        url: elasticsearch.url,
        get headers() {
          return login()
        },
        ...from.caOf([...path, 'elasticsearch', 'ca_file'], elasticsearch.ca_file),
        ...clientOf(from, [...path, 'elasticsearch', 'client'], elasticsearch),
      })
    }
  })
  return access
}

function elasticsearchLogin(
  from: Declared,
  path: Path,
  { username, password_file, api_key_file }: NonNullable<LogConfig['elasticsearch']>,
): Headers {
  if (api_key_file !== undefined) {
    const key = from.currentSecret([...path, 'api_key_file'], api_key_file)
    return () => ({ authorization: `ApiKey ${key()}` })
  }
  if (username === undefined || password_file === undefined) return () => ({})
  const password = from.currentSecret([...path, 'password_file'], password_file)
  return () => ({
    authorization: `Basic ${Buffer.from(`${username}:${password()}`).toString('base64')}`,
  })
}

function clientOf(
  from: Declared,
  path: Path,
  { url, client }: NonNullable<LogConfig['elasticsearch']>,
): Pick<ApiAccess, 'client'> {
  if (client === undefined) return {}
  if (!url.startsWith('https:')) from.refuse(path, `shown to nobody: ${url} is not https`)
  const certificate = from.current([...path, 'certificate_file'], client.certificate_file)
  const key = from.current([...path, 'key_file'], client.key_file)
  const problem = pairProblem({ cert: certificate.text, key: key.text })
  if (problem !== undefined) from.refuse(path, problem)
  return {
    client: {
      get certificate() {
        return certificate.text
      },
      get key() {
        return key.text
      },
    },
  }
}

/** Why these are no certificate with its key (and CAs), PEM; undefined: they are. */
function pairProblem(files: {
  readonly cert: string
  readonly key: string
  readonly ca?: string
}): string | undefined {
  try {
    createSecureContext(files)
    return undefined
  } catch (error) {
    const expected = files.ca === undefined ? '' : ', and CAs,'
    return `not a certificate with its key${expected} in PEM: ${messageOf(error)}`
  }
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
