import { DIGEST_BYTES } from './digest.ts'
import { JournalError } from './error.ts'

/** What a checkpoint says (C2SP tlog-checkpoint); logs of ours write no extension lines. */
export interface TreeHead {
  readonly origin: string
  readonly size: number
  readonly root: Buffer
}

/** Throws JournalError(format). */
export function parseTreeHead(text: string): TreeHead {
  const match = /^([^\n]+)\n(0|[1-9]\d{0,15})\n([A-Za-z0-9+/]{43}=)\n$/.exec(text)
  const [, origin = '', size = '', base64 = ''] = match ?? []
  const root = Buffer.from(base64, 'base64')
  if (match === null || root.length !== DIGEST_BYTES || root.toString('base64') !== base64)
    throw new JournalError('format', { expected: 'the lines origin, size and root hash', got: 'other lines' })
  return { origin, size: Number(size), root }
}

export function formatTreeHead({ origin, size, root }: TreeHead): string {
  return `${origin}\n${size}\n${root.toString('base64')}\n`
}
