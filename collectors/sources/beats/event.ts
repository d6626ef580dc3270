import { z } from 'zod'
import { protocolError } from './frames.ts'

const HEX_SHA256 = /^[0-9a-f]{64}$/

/** What is needed of an event of Filebeat; everything else that it says is about itself. */
const eventSchema = z.object({
  '@metadata': z.object({ _id: z.string().optional() }).optional(),
  message: z.string(),
  position: z.object({ source: z.string().max(100) }),
  log: z.object({
    offset: z.int().nonnegative(),
    flags: z.array(z.string()).optional(),
    file: z.object({ fingerprint: z.string().regex(HEX_SHA256) }),
  }),
})

/** A record as Filebeat ships it. */
export interface ShippedRecord {
  /** What Filebeat calls the log: the id of one in the inventory. */
  readonly source: string
  readonly bytes: Buffer
  /** `log.file.fingerprint`, and where the record's last line begins. */
  readonly file: string
  readonly offset: number
  /** The record as far as it is known: [start, end) of the file. Never more than what it really takes. */
  readonly start: number
  readonly end: number
  readonly lines: number
  readonly cut: boolean
  /** The id that Filebeat gave it, where the octets that it was made of are lost. */
  readonly id: string | undefined
}

/** Throws CollectorError(protocol_error) at what is no event of filebeat/*.yml. */
export function shippedRecord(json: Buffer): ShippedRecord {
  const parsed = eventSchema.safeParse(parseJson(json))
  if (!parsed.success) {
    const [issue] = parsed.error.issues
    throw protocolError(
      `not an event of our Filebeat configuration: ${issue?.path.join('.')}: ${issue?.message}`,
    )
  }
  const { message, position, log, '@metadata': metadata } = parsed.data
  const bytes = Buffer.from(message)
  const cut = log.flags?.includes('truncated') === true
  // Octets that are not UTF-8 came as U+FFFD, so nobody knows how many they were; of a record that was cut, nobody knows the end.
  const isExact = !cut && !message.includes('\ufffd')
  const lastLine = bytes.lastIndexOf(0x0a) + 1
  const claimed = metadata?._id
  return {
    source: position.source,
    bytes,
    file: log.file.fingerprint,
    offset: log.offset,
    start: isExact ? Math.max(0, log.offset - lastLine) : log.offset,
    end: isExact ? log.offset + (bytes.length - lastLine) + 1 : log.offset + 1,
    lines: message.split('\n').length,
    cut,
    id: !isExact && claimed !== undefined && HEX_SHA256.test(claimed) ? claimed : undefined,
  }
}

function parseJson(json: Buffer): unknown {
  try {
    return JSON.parse(json.toString('utf8'))
  } catch {
    throw protocolError('an event that is not JSON')
  }
}
