import { CommandError, EXIT } from '../exit.ts'
import { malformed, type Inspection, type Kind } from './document.ts'
import { openSource, readAll, STDIN, type Source } from './input.ts'
import { lookAt, lookAtChain } from './look.ts'
import type { Question } from './question.ts'

/** An object that was looked at, and where it came from. */
export interface Looked {
  readonly title: string
  readonly inspection: Inspection
}

/** Octets of a file with certificates or OCSP answers: 10,000 of them as PEM. */
const MAX_FILE = 16 * 1024 * 1024
/** Octets of a CRL: as pki/crl.ts, 25 million entries. */
const MAX_CRL = 1024 * 1024 * 1024

/** Looks at every object in the files. Throws CommandError for one that cannot be read. */
export async function lookAtFiles(
  kind: Kind,
  files: readonly string[],
  question: Question,
  stdin: AsyncIterable<Uint8Array>,
): Promise<readonly Looked[]> {
  if (files.filter((file) => file === STDIN).length > 1)
    throw new CommandError(EXIT.usage, 'standard input can be read once: give - once')
  const sources = files.map((file) => openSource(file, stdin))
  if (kind === 'chain') {
    const title = sources.map(({ name }) => name).join(', ')
    return [{ title, inspection: await lookAtChainIn(sources, question) }]
  }
  const looked: Looked[] = []
  for (const source of sources) {
    const found = await lookAtSource(kind, source, question)
    const isOne = found.length === 1
    for (const [i, inspection] of found.entries())
      looked.push({ title: isOne ? source.name : `${source.name}, object ${i + 1}`, inspection })
  }
  return looked
}

async function lookAtSource(
  kind: Exclude<Kind, 'chain'>,
  source: Source,
  question: Question,
): Promise<readonly Inspection[]> {
  try {
    return lookAt(kind, await readAll(source, kind === 'crl' ? MAX_CRL : MAX_FILE), question)
  } catch (error) {
    return [malformed(kind, {}, error)]
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
