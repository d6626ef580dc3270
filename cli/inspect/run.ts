import { CommandError, EXIT } from '../exit.ts'
import { printJson, printLine } from '../output.ts'
import { ProgressLine } from '../progress.ts'
import { exitCodeOf, type Kind } from './document.ts'
import { lookAtFiles, type Looked, type Surroundings } from './files.ts'
import { readCrls, readIssuers } from './given.ts'
import { lookAtPair } from './pairFiles.ts'
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
  readonly delta?: string
}

/** Looks at every object in the files, prints what it found, and sets the exit code. */
export async function inspectFiles(kind: Kind, files: readonly string[], options: Options): Promise<void> {
  const question: Question = {
    issuers: readIssuers(options.issuer),
    now: options.at ?? Date.now(),
    lint: options.lint === true,
    ber: options.ber === true,
    crls: readCrls(options.crl ?? []),
    serial: options.serial,
  }
  const progress = new ProgressLine(process.stderr, 'reading')
  const surroundings: Surroundings = {
    stdin: process.stdin,
    onProgress: (done, total) => progress.update(done, total),
  }
  const { document, views } = await look(kind, files, options, question, surroundings).finally(() =>
    progress.end(),
  )
  if (options.json === true) printJson(document)
  else {
    const { now } = question
    const shown = views.map(({ title, inspection }) =>
      render(inspection, { title, now, stream: process.stdout }),
    )
    printLine(shown.join('\n\n'))
  }
  process.exitCode = exitCodeOf(document)
}

function look(
  kind: Kind,
  files: readonly string[],
  { diff, delta }: Options,
  question: Question,
  surroundings: Surroundings,
): Promise<Looked> {
  const [first = '', second, ...others] = files
  if (diff === true && delta !== undefined)
    throw new CommandError(EXIT.usage, 'give either --diff or --delta FILE')
  if (diff === true) {
    if (second === undefined || others.length > 0)
      throw new CommandError(EXIT.usage, `--diff compares two files, got ${files.length}`)
    return lookAtPair('diff', [first, second], question, surroundings)
  }
  if (delta !== undefined) {
    if (second !== undefined)
      throw new CommandError(EXIT.usage, `--delta applies to one file, got ${files.length}`)
    return lookAtPair('delta', [first, delta], question, surroundings)
  }
  return lookAtFiles(kind, files, question, surroundings)
}
