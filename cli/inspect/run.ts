import { CommandError, EXIT } from '../exit.ts'
import { printJson, printLine } from '../output.ts'
import { combine, exitCodeOf, type Inspection, type Kind } from './document.ts'
import { openSource, readAll, STDIN, type Source } from './input.ts'
import { readCrls, readIssuers } from './given.ts'
import { lookAt, lookAtChain } from './look.ts'
import type { Question } from './question.ts'
import { render } from './render.ts'

/** What commander makes of the command line. */
export interface Options {
  readonly issuer: readonly string[]
  readonly at?: number
  readonly lint?: true
  readonly ber?: true
  readonly json?: true
  readonly crl?: readonly string[]
  /** Lower-case hex. */
  readonly serial?: string
  readonly diff?: true
}

/** Octets of a file with certificates or OCSP answers: 10,000 of them as PEM. */
const MAX_FILE = 16 * 1024 * 1024

/** Octets of a CRL: as pki/crl.ts, 25 million entries. */
const MAX_CRL = 1024 * 1024 * 1024

/** An object that was looked at, and where it came from. */
interface Looked {
  readonly title: string
  readonly inspection: Inspection
}

/** Looks at every object in the files, prints what it found, and sets the exit code. */
export async function inspectFiles(kind: Kind, files: readonly string[], options: Options): Promise<void> {
  if (files.filter((file) => file === STDIN).length > 1)
    throw new CommandError(EXIT.usage, 'standard input can be read once: give - once')
  const question: Question = {
    issuers: readIssuers(options.issuer),
    now: options.at ?? Date.now(),
    lint: options.lint === true,
    ber: options.ber === true,
    crls: readCrls(options.crl ?? []),
    serial: options.serial,
  }
  const looked = await look(kind, files, question)
  report(looked, question, options)
}

async function look(kind: Kind, files: readonly string[], question: Question): Promise<readonly Looked[]> {
  const sources = files.map((file) => openSource(file, process.stdin))
  if (kind === 'chain') {
    const title = sources.map(({ name }) => name).join(', ')
    return [{ title, inspection: await lookAtSources(sources, question) }]
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
  const bytes = await readAll(source, kind === 'crl' ? MAX_CRL : MAX_FILE)
  return lookAt(kind, bytes, question)
}

async function lookAtSources(sources: readonly Source[], question: Question): Promise<Inspection> {
  const files: Uint8Array[] = []
  for (const source of sources) files.push(await readAll(source, MAX_FILE))
  return lookAtChain(files, question)
}

function report(looked: readonly Looked[], { now }: Question, options: Options): void {
  const [first, ...others] = looked.map(({ inspection }) => inspection)
  if (first === undefined) throw new CommandError(EXIT.usage, 'expected a file')
  if (options.json === true) printJson(combine([first, ...others]))
  else
    printLine(
      looked
        .map(({ title, inspection }) => render(inspection, { title, now, stream: process.stdout }))
        .join('\n\n'),
    )
  process.exitCode = exitCodeOf([first, ...others])
}
