import { EXIT, type CommandError } from './exit.ts'
import { paint, printable } from './terminal.ts'

/** `--json` prints one document and nothing else. */
export function printJson(document: unknown): void {
  process.stdout.write(`${JSON.stringify(document, null, 2)}\n`)
}

export function printLine(line = ''): void {
  process.stdout.write(`${line}\n`)
}

/** An error for people on standard error, or as the one document of `--json`. */
export function printError(error: CommandError, json: boolean): void {
  if (json) printJson(error.details ?? { error: { code: exitName(error.exitCode), message: error.message } })
  else process.stderr.write(`${paint(process.stderr, 'red', 'vigil:')} ${printable(error.message)}\n`)
}

function exitName(code: number): string {
  return Object.entries(EXIT).find(([, value]) => value === code)?.[0] ?? 'failed'
}
