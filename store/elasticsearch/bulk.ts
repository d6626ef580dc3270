import type { estypes } from '@elastic/elasticsearch'
import { setTimeout as delay } from 'node:timers/promises'
import type { Server } from './client.ts'
import { toStoreError } from './error.ts'

/** The server's own mark of one version of one document: a write that names it is refused when there was another write meanwhile. */
export interface Version {
  readonly seqNo: number
  readonly primaryTerm: number
}

export interface Operation {
  readonly index: string
  readonly id: string
  readonly source: object
  /** The version to write over; undefined to create a document that must not exist. */
  readonly over: Version | undefined
}

/** The version that was written; undefined when the document existed already, or was not the version to write over. */
export type Outcome = Version | undefined

/** Size of a request at which the next one begins, in octets: large enough to be cheap, far below the server's limit of 100 MB. */
const MAX_REQUEST = 4 * 1024 * 1024
/** Tries for documents that the server refused because it has too much to do (429), and the first pause, doubled each time, in ms. */
const TRIES = 6
const FIRST_PAUSE_MS = 100

/** Writes documents in requests of bounded size, one after the other. Throws StoreError; then any part of them may have been written. */
export async function writeAll(server: Server, operations: readonly Operation[]): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  let lines: string[] = []
  let size = 0
  const flush = async (): Promise<void> => {
    if (lines.length > 0) outcomes.push(...(await send(server, lines)))
    lines = []
    size = 0
  }
  for (const operation of operations) {
    const [action, source] = encode(operation)
    const octets = Buffer.byteLength(action) + Buffer.byteLength(source) + 2
    if (size + octets > MAX_REQUEST) await flush()
    lines.push(action, source)
    size += octets
  }
  await flush()
  return outcomes
}

function encode({ index, id, source, over }: Operation): [action: string, source: string] {
  const action =
    over === undefined
      ? { create: { _index: index, _id: id } }
      : { index: { _index: index, _id: id, if_seq_no: over.seqNo, if_primary_term: over.primaryTerm } }
  return [JSON.stringify(action), JSON.stringify(source)]
}

/** One request, and again for what the server was too busy for. `lines`: action and source alternate. */
async function send(server: Server, lines: readonly string[]): Promise<Outcome[]> {
  const outcomes = new Array<Outcome>(lines.length / 2).fill(undefined)
  let waiting = outcomes.map((_, i) => i)
  for (let attempt = 1; waiting.length > 0; attempt++) {
    const asked = waiting
    const { items } = await server.ask((client, options) =>
      client.bulk(
        {
          operations: asked.flatMap((i) => [lines[2 * i] ?? '', lines[2 * i + 1] ?? '']),
          require_alias: false,
          filter_path: [
            'errors',
            'items.*.status',
            'items.*.error',
            'items.*._seq_no',
            'items.*._primary_term',
          ],
        },
        options,
      ),
    )
    const busy: number[] = []
    for (const [k, i] of asked.entries()) {
      const item: Partial<estypes.BulkResponseItem> = items[k]?.create ?? items[k]?.index ?? {}
      const { status = 0, error } = item
      if (status === 200 || status === 201)
        outcomes[i] = { seqNo: item._seq_no ?? 0, primaryTerm: item._primary_term ?? 0 }
      else if (status === 429 && attempt < TRIES && error?.type !== 'cluster_block_exception') busy.push(i)
      else if (status !== 409)
        throw toStoreError({ status, type: error?.type ?? 'error', reason: error?.reason ?? '' }, server.url)
    }
    waiting = busy
    if (waiting.length > 0) await delay(FIRST_PAUSE_MS * 2 ** (attempt - 1))
  }
  return outcomes
}
