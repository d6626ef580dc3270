import type { Envelope } from '../record.ts'

/** Artifacts that a record says are kept. No other reference counts (docs/journal-format.md, "Records"). */
export function* keptArtifacts(record: Pick<Envelope, 'kind' | 'body'>): Generator<{
  readonly digest: string
  readonly size: number
}> {
  if (record.kind !== 'observation' && record.kind !== 'configuration') return
  const { artifacts } = record.body as { readonly artifacts?: unknown }
  if (!Array.isArray(artifacts)) return
  for (const item of artifacts as readonly unknown[]) {
    if (typeof item !== 'object' || item === null) continue
    const { digest, size, kept } = item as Readonly<Record<string, unknown>>
    if (kept === true && typeof digest === 'string' && typeof size === 'number') yield { digest, size }
  }
}
