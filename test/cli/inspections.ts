import type { Inspection } from '../../cli/inspect/document.ts'
import type { Surroundings } from '../../cli/inspect/files.ts'
import type { Question } from '../../cli/inspect/question.ts'
import { NOW } from '../pki/support.ts'

/** What is asked without any option, at the time of the tests. */
export function unasked(question: Partial<Question> = {}): Question {
  return { issuers: [], now: NOW, lint: false, ber: false, crls: [], serial: undefined, ...question }
}

/** `valid`, or `invalid time crl_expired`. */
export function outcome({ verdict, error }: Inspection): string {
  return error === undefined ? verdict : `${verdict} ${error.phase} ${error.code}`
}

async function* nothing(): AsyncGenerator<Uint8Array> {}

/** Nothing on standard input, and nobody who watches. */
export const AROUND: Surroundings = { stdin: nothing(), onProgress: () => undefined }
