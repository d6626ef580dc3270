import { CommandError, EXIT } from '../exit.ts'
import { printJson, printLine } from '../output.ts'
import { combine, exitCodeOf, type Kind } from './document.ts'
import { lookAtFiles } from './files.ts'
import { readCrls, readIssuers } from './given.ts'
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

/** Looks at every object in the files, prints what it found, and sets the exit code. */
export async function inspectFiles(kind: Kind, files: readonly string[], options: Options): Promise<void> {
  const now = options.at ?? Date.now()
  const question: Question = {
    issuers: readIssuers(options.issuer),
    now,
    lint: options.lint === true,
    ber: options.ber === true,
    crls: readCrls(options.crl ?? []),
    serial: options.serial,
  }
  const looked = await lookAtFiles(kind, files, question, process.stdin)
  const [first, ...others] = looked.map(({ inspection }) => inspection)
  if (first === undefined) throw new CommandError(EXIT.usage, 'expected a file')
  if (options.json === true) printJson(combine([first, ...others]))
  else {
    const views = looked.map(({ title, inspection }) =>
      render(inspection, { title, now, stream: process.stdout }),
    )
    printLine(views.join('\n\n'))
  }
  process.exitCode = exitCodeOf([first, ...others])
}
