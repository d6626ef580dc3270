import { createHash, randomBytes } from 'node:crypto'
import type { TrustedChain } from '../pki/path.ts'
import {
  buildTimestampRequest,
  MAX_TIMESTAMP,
  parseTimestamp,
  parseTimestampReply,
  TIMESTAMP_QUERY_TYPE,
  TIMESTAMP_REPLY_TYPE,
  verifyTimestamp,
} from '../pki/timestamp.ts'
import type { Network } from '../probes/fetch/connect.ts'
import { Deadline } from '../probes/fetch/deadline.ts'
import { exchange } from '../probes/fetch/http.ts'
import { tellServerTime } from '../probes/fetch/serverTime.ts'

/** Milliseconds for one timestamp; nothing waits for it. */
const TIMEOUT = 15_000
/** Octets; RFC 3161 section 2.4.1: a large random number. */
const NONCE_SIZE = 16

/** A timestamping authority as it is configured. */
export interface TimestampAuthority {
  readonly url: string
  readonly trusted: readonly TrustedChain[]
}

/**
 * Has octets timestamped (RFC 3161 section 3.4); resolves with the authority's answer, which was verified. What time it says is heard as that of any
 * server that is probed. Rejects with FetchError, PkiError.
 */
export function timestamper(
  { url, trusted }: TimestampAuthority,
  network: Network,
  signal: AbortSignal,
): (octets: Buffer) => Promise<Uint8Array> {
  return async (octets) => {
    using deadline = new Deadline(TIMEOUT, signal)
    const digest = createHash('sha256').update(octets).digest()
    const nonce = randomBytes(NONCE_SIZE)
    const answer = await exchange(
      {
        url,
        source: 'declared',
        method: 'POST',
        headers: { 'content-type': TIMESTAMP_QUERY_TYPE, accept: TIMESTAMP_REPLY_TYPE },
        body: buildTimestampRequest(digest, nonce),
        maxBody: MAX_TIMESTAMP,
        maxRedirects: 0,
        anchor: undefined,
      },
      deadline,
      network,
    )
    if (!answer.ok) throw answer.error
    if (answer.status !== 200) throw new Error(`expected HTTP status 200 from ${url}, got ${answer.status}`)
    const timestamp = parseTimestamp(parseTimestampReply(answer.body))
    const { time } = verifyTimestamp(timestamp, { digest, nonce, trusted })
    // A second word on the time, of the same host under another name: this one is signed.
    tellServerTime(`${new URL(url).hostname} (timestamp)`, { date: new Date(time).toUTCString() })
    return answer.body
  }
}
