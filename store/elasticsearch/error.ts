import { StoreError } from '../error.ts'
import type { StoreErrorCode } from '../error.ts'

/** What went wrong with one document of a bulk request, or with a request as a whole, as the server names it. */
interface ServerError {
  /** HTTP status. */
  readonly status: number
  /** `cluster_block_exception`, `mapper_parsing_exception` … */
  readonly type: string
  readonly reason: string
}

/**
 * The code for an error that the server answered with. Whatever may pass without us (overload, a read-only index, a missing shard,
 * credentials that were changed) is worth another try; only a document that the mapping refuses is not.
 */
export function codeOf({ status, type, reason }: ServerError): StoreErrorCode {
  // The server makes indices read-only when its disk is nearly full, and lifts that by itself.
  if (type === 'cluster_block_exception')
    return /flood-stage|read-only \/ allow delete/.test(reason) ? 'full' : 'io'
  if (status === 429) return 'busy'
  if (status === 409) return 'busy'
  if (status === 400) return 'bad_record'
  return 'io'
}

export function toStoreError(error: ServerError, url: string, cause?: unknown): StoreError {
  const { status, type, reason } = error
  const hint =
    status === 401 || status === 403 ? ' (see the credentials and privileges in docs/elasticsearch.md)' : ''
  return new StoreError(codeOf(error), `${url}: ${type}: ${clip(reason)}${hint} (HTTP ${status})`, { cause })
}

/** Longest piece of an answer that goes into a message, in UTF-16 units. */
const MAX_REASON = 500

function clip(text: string): string {
  return text.length <= MAX_REASON ? text : `${text.slice(0, MAX_REASON)}…`
}
