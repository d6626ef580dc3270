import { JournalError } from '../error.ts'

/** The first thing that is not as it must be. */
export interface Fault {
  /** Relative to the journal directory. */
  readonly file: string
  /** Where in the file, in words: `octet 95`, `entry 17, record 3`. */
  readonly location: string
  readonly expected: string
  readonly got: string
}

/** Ends a verification. */
export class FaultFound extends Error {
  override readonly name = 'FaultFound'
  readonly fault: Fault

  constructor(fault: Fault) {
    const place = fault.location === '' ? fault.file : `${fault.file}: ${fault.location}`
    super(`${place}: expected ${fault.expected}, got ${fault.got}`)
    this.fault = fault
  }
}

export function fault(file: string, location: string, expected: string, got: string): FaultFound {
  return new FaultFound({ file, location, expected, got })
}

/** What a decoder refused, as a fault of the file that it read. Other errors stay. */
export function asFault(error: unknown, file: string, location: string): unknown {
  if (!(error instanceof JournalError)) return error
  const { expected = 'a file of this format', got = error.message, where } = error.mismatch ?? {}
  return fault(
    file,
    [location, where].filter((part) => part !== undefined && part !== '').join(', '),
    expected,
    got,
  )
}

/** Runs a decoder on a file. */
export function inFile<T>(file: string, location: string, decode: () => T): T {
  try {
    return decode()
  } catch (error) {
    throw asFault(error, file, location)
  }
}
