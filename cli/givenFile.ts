import { readFileSync } from 'node:fs'
import { unreadable } from './config.ts'
import { CommandError, EXIT } from './exit.ts'

/** A file that the command line names. Throws CommandError(usage). */
export function readGiven(file: string): Buffer {
  try {
    return readFileSync(file)
  } catch (error) {
    throw new CommandError(EXIT.usage, `${file}: ${unreadable(error)}`)
  }
}
