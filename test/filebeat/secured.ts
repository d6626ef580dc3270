// A real Elasticsearch behind mutual TLS and with its own access control, and who may talk to it.
import { pbkdf2Sync, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { request } from 'node:https'
import { generateKey, issueCertificate, toPem } from '../../lab/issue.ts'
import type { Issuer } from '../../lab/issue.ts'
import { startElasticsearch } from '../support/elasticsearch.ts'
import type { TestElasticsearch } from '../support/elasticsearch.ts'

const DAY = 86_400_000

/** PEM. */
export interface Credentials {
  readonly certificate: string
  readonly key: string
}

export interface Authority {
  /** PEM. */
  readonly ca: string
  issue(profile: 'tls_server' | 'tls_client', name: string): Promise<Credentials>
}

export async function makeAuthority(subject: string): Promise<Authority> {
  const key = generateKey('p256')
  const times = { notBefore: Date.now() - DAY, notAfter: Date.now() + DAY }
  const certificate = await issueCertificate({ subject, key, ...times, profile: 'ca' })
  const issuer: Issuer = { certificate, key }
  return {
    ca: toPem(certificate, 'CERTIFICATE'),
    async issue(profile, name) {
      const own = generateKey('p256')
      const names = profile === 'tls_server' ? { ip: ['127.0.0.1'] } : {}
      const der = await issueCertificate({ subject: name, key: own, issuer, ...times, profile, ...names })
      return {
        certificate: toPem(der, 'CERTIFICATE'),
        key: own.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
      }
    },
  }
}

export interface Answer {
  readonly status: number
  readonly body: unknown
}

/** One request, of an array one line each; what does not answer with JSON, or not at all, throws. */
export type Ask = (method: string, path: string, body?: unknown) => Promise<Answer>

export interface Access {
  readonly url: string
  readonly ca: string
  readonly client?: Credentials
  readonly authorization?: string
}

export function asking({ url, ca, client, authorization }: Access): Ask {
  return async (method, path, body) => {
    const sent = request(new URL(path, url), {
      method,
      ca,
      agent: false,
      ...(client === undefined ? {} : { cert: client.certificate, key: client.key }),
      headers: {
        ...(authorization === undefined ? {} : { authorization }),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      },
    })
    const answered: Promise<unknown[]> = once(sent, 'response')
    sent.end(textOf(body))
    const [response] = await answered
    let text = ''
    for await (const chunk of response as AsyncIterable<Buffer>) text += chunk.toString()
    const status = (response as { statusCode?: number }).statusCode ?? 0
    return { status, body: text === '' ? undefined : (JSON.parse(text) as unknown) }
  }
}

function textOf(body: unknown): string | undefined {
  if (Array.isArray(body)) return body.map((line) => `${JSON.stringify(line)}\n`).join('')
  return body === undefined ? undefined : JSON.stringify(body)
}

export type Admin = Access & { readonly client: Credentials; readonly password: string }

export interface SecuredElasticsearch extends AsyncDisposable {
  readonly server: TestElasticsearch
  readonly authority: Authority
  readonly admin: Admin
}

const ADMIN = 'admin'

export async function startSecuredElasticsearch(): Promise<SecuredElasticsearch> {
  const authority = await makeAuthority('Test CA')
  const [own, client] = await Promise.all([
    authority.issue('tls_server', 'elasticsearch'),
    authority.issue('tls_client', ADMIN),
  ])
  const password = randomBytes(18).toString('base64url')
  const authorization = `Basic ${Buffer.from(`${ADMIN}:${password}`).toString('base64')}`
  const server = await startElasticsearch({
    settings: [
      'xpack.security.enabled: true',
      'xpack.security.http.ssl.enabled: true',
      'xpack.security.http.ssl.certificate: server.pem',
      'xpack.security.http.ssl.key: server.key',
      'xpack.security.http.ssl.certificate_authorities: ["ca.pem"]',
      'xpack.security.http.ssl.client_authentication: required',
      'xpack.security.http.ssl.supported_protocols: ["TLSv1.2", "TLSv1.3"]',
    ],
    files: {
      'server.pem': own.certificate,
      'server.key': own.key,
      'ca.pem': authority.ca,
      // The file realm, because a password in the keystore would cost another start of Java.
      users: `${ADMIN}:${passwordHash(password)}\n`,
      users_roles: `superuser:${ADMIN}\n`,
    },
    async answers(url) {
      try {
        const ask = asking({ url, ca: authority.ca, client, authorization })
        return (await ask('GET', '/_cluster/health?wait_for_status=yellow&timeout=1s')).status === 200
      } catch {
        return false
      }
    },
  })
  return {
    server,
    authority,
    admin: { url: server.url, ca: authority.ca, client, authorization, password },
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  }
}

/** As Elasticsearch's file realm writes it. */
export function passwordHash(password: string): string {
  const rounds = 10_000
  const salt = randomBytes(32)
  const hash = pbkdf2Sync(password, salt, rounds, 32, 'sha512')
  return `{PBKDF2}${rounds}$${salt.toString('base64')}$${hash.toString('base64')}`
}
