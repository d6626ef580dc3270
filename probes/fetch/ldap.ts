import { Client, ResultCodeError } from 'ldapts'
import type { Certificate } from '../../pki/certificate.ts'
import { connectTo, secure } from './connect.ts'
import type { Deadline } from './deadline.ts'
import { FetchError } from './error.ts'
import { LdapMessages } from './ldapMessages.ts'
import type { LdapQuery } from './ldapUrl.ts'

/** Octets. Directories limit what they hold (Active Directory to 10 MB), and ldapts keeps several copies. */
const MAX_VALUE = 16 * 1024 * 1024

export interface LdapRequest {
  readonly query: LdapQuery
  /** The one of the host's addresses that is asked. */
  readonly address: string
  /** Octets. */
  readonly maxSize: number
  /** Trusted beside the default roots for ldaps. */
  readonly anchor: Certificate | undefined
}

/**
 * The one value of the attribute of the one entry that a query finds, asked anonymously; referrals are not followed. Throws FetchError
 * (connect, tls, http, size): `ldap_refused` with the directory's result code, `ldap_no_value`.
 */
export async function searchLdap(request: LdapRequest, deadline: Deadline): Promise<Uint8Array> {
  const { query, address, anchor } = request
  const connection = await connectTo(address, query.port, deadline)
  const socket = query.isTls
    ? await secure(connection, query.host, { anchor, client: undefined }, deadline)
    : connection.socket
  const messages = new LdapMessages(socket, Math.min(request.maxSize, MAX_VALUE))
  // The URL is what ldapts would connect to by itself.
  const client = new Client({ url: 'ldap://connected', createConnection: () => messages })
  const search = client.search(query.base, {
    scope: query.scope,
    filter: query.filter,
    attributes: [query.attribute],
    explicitBufferAttributes: [query.attribute],
    // One more than there may be, so that a second one is seen.
    sizeLimit: 2,
  })
  try {
    const { searchEntries } = await deadline.race(
      Promise.race([search, messages.ended]),
      'http',
      `an answer from ${query.host}`,
    )
    return onlyValue(searchEntries, query.attribute)
  } catch (error) {
    throw ldapFailure(error)
  } finally {
    messages.destroy()
  }
}

function onlyValue(entries: readonly object[], attribute: string): Uint8Array {
  const values = entries.flatMap((entry) =>
    Object.entries(entry)
      .filter(([name]) => typeOf(name) === typeOf(attribute))
      .flatMap(([, value]: [string, unknown]) => (Array.isArray(value) ? value.map(asUnknown) : [value])),
  )
  const [value] = values
  if (values.length === 1 && value instanceof Uint8Array) return value
  const message = `expected one value of ${attribute}, got ${values.length}`
  throw new FetchError('http', 'ldap_no_value', message)
}

function asUnknown(value: unknown): unknown {
  return value
}

/** Without options: a directory may add or leave out `;binary`. */
function typeOf(attribute: string): string {
  return attribute.split(';')[0]?.toLowerCase() ?? ''
}

function ldapFailure(error: unknown): unknown {
  if (error instanceof FetchError) return error
  if (error instanceof ResultCodeError) {
    const message = `expected an entry, got LDAP result ${error.code} (${error.name})`
    return new FetchError('http', 'ldap_refused', message, error)
  }
  // What ldapts throws otherwise has no code: it could not read an answer, or the connection ended.
  const reason = error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error)
  return new FetchError('http', 'malformed_response', `expected an LDAP answer, got none: ${reason}`, error)
}
