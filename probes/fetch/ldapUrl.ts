import { FetchError } from './error.ts'

/** What an LDAP URL (RFC 4516) asks for. */
export interface LdapQuery {
  readonly isTls: boolean
  /** As in the URL: an IPv6 address in brackets. */
  readonly host: string
  readonly port: number
  readonly base: string
  /** `certificateRevocationList;binary` */
  readonly attribute: string
  readonly scope: 'base' | 'one' | 'sub'
  readonly filter: string
}

/** RFC 4523 section 2.2: transferred as it is. */
const DEFAULT_ATTRIBUTE = 'certificateRevocationList;binary'
const SCOPES = ['base', 'one', 'sub'] as const

/** Throws FetchError(http, bad_url). */
export function parseLdapUrl(text: string): LdapQuery {
  const refuse = (got: string): FetchError =>
    new FetchError('http', 'bad_url', `expected an LDAP URL (RFC 4516) for one attribute, got ${got}`)
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'ldap:' && url.protocol !== 'ldaps:') || url.hostname === '')
    throw refuse(text)
  const isTls = url.protocol === 'ldaps:'
  const [attributes = '', scope = '', filter = '', ...extensions] = url.search
    .slice(1)
    .split('?')
    .map(decoded)
  // Section 2: a critical extension that is not known must not be ignored.
  if (extensions.some((extension) => extension.startsWith('!'))) throw refuse(extensions.join(','))
  const known = SCOPES.find((name) => name === (scope === '' ? 'base' : scope.toLowerCase()))
  if (known === undefined || attributes.includes(',')) throw refuse(text)
  return {
    isTls,
    host: url.hostname,
    port: url.port === '' ? (isTls ? 636 : 389) : Number(url.port),
    base: decoded(url.pathname.slice(1)),
    attribute: attributes === '' ? DEFAULT_ATTRIBUTE : attributes,
    scope: known,
    filter: filter === '' ? '(objectClass=*)' : filter,
  }

  function decoded(part: string): string {
    try {
      return decodeURIComponent(part)
    } catch {
      throw refuse(text)
    }
  }
}
