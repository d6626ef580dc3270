import { CommandError, EXIT } from '../exit.ts'
import { inspectCrl } from './crl.ts'
import { readHeld, streamCrl } from './crlSource.ts'
import { combine, malformed, type Inspection, type Inspections, type Kind } from './document.ts'
import { openSource, readAll, STDIN, type Source } from './input.ts'
import { lookAt, lookAtChain } from './look.ts'
import type { Question } from './question.ts'

/** What was found out: one document, and what of it people are shown, in this order. */
export interface Looked {
  readonly document: Inspection | Inspections
  readonly views: readonly { readonly title: string; readonly inspection: Inspection }[]
}

/** Where the octets come from that are not in a file, and who is told how far the reading is. */
export interface Surroundings {
  readonly stdin: AsyncIterable<Uint8Array>
  readonly onProgress: (done: number, total: number) => void
}

/** Octets of a file with certificates or OCSP answers: 10,000 of them as PEM. */
const MAX_FILE = 16 * 1024 * 1024

export function openSources(files: readonly string[], { stdin }: Surroundings): readonly Source[] {
  if (files.filter((file) => file === STDIN).length > 1)
    throw new CommandError(EXIT.usage, 'standard input can be read once: give - once')
  return files.map((file) => openSource(file, stdin))
}

/** Looks at every object in the files. Throws CommandError for one that cannot be read. */
export async function lookAtFiles(
  kind: Kind,
  files: readonly string[],
  question: Question,
  surroundings: Surroundings,
): Promise<Looked> {
  const sources = openSources(files, surroundings)
  if (kind === 'chain') {
    const document = await lookAtChainIn(sources, question)
    return { document, views: [{ title: sources.map(({ name }) => name).join(', '), inspection: document }] }
  }
  const views: { title: string; inspection: Inspection }[] = []
  for (const source of sources) {
    const found = await lookAtSource(kind, source, question, surroundings)
    const isOne = found.length === 1
    for (const [i, inspection] of found.entries())
      views.push({ title: isOne ? source.name : `${source.name}, object ${i + 1}`, inspection })
  }
  const [first, ...others] = views.map(({ inspection }) => inspection)
  if (first === undefined) throw new CommandError(EXIT.usage, 'expected a file')
  return { document: combine([first, ...others]), views }
}

async function lookAtSource(
  kind: Exclude<Kind, 'chain'>,
  source: Source,
  question: Question,
  { onProgress }: Surroundings,
): Promise<readonly Inspection[]> {
  try {
    if (kind !== 'crl') return lookAt(kind, await readAll(source, MAX_FILE), question)
    const total = source.size ?? 0
    using open = streamCrl(source, { ber: question.ber, onProgress: (done) => onProgress(done, total) })
    if (open !== undefined) return [inspectCrl(open.crl, question)]
    return lookAt(kind, await readHeld(source, question), question)
  } catch (error) {
    return [malformed(kind, { size: source.size }, error)]
  }
}

async function lookAtChainIn(sources: readonly Source[], question: Question): Promise<Inspection> {
  const files: Uint8Array[] = []
  try {
    for (const source of sources) files.push(await readAll(source, MAX_FILE))
  } catch (error) {
    return malformed('chain', {}, error)
  }
  return lookAtChain(files, question)
}
