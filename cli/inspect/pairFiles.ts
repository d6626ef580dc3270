import { PkiError } from '../../pki/error.ts'
import type { IndexedCrl } from '../../pki/crl.ts'
import { inspectCrl } from './crl.ts'
import { combineWithDelta, compareCrls } from './crlPair.ts'
import { indexCrl, type OpenCrl } from './crlSource.ts'
import { combine, malformed, type Inspection, type Inspections } from './document.ts'
import { openSources, type Looked, type Surroundings } from './files.ts'
import type { Source } from './input.ts'
import type { Question } from './question.ts'

/** `--diff`: from the first to the second. `--delta`: the second applied to the first. */
export type PairMode = 'diff' | 'delta'

/** What people are shown of each of the two. */
const SHORT: ReadonlySet<string> = new Set([
  'issuer',
  'number',
  'thisUpdate',
  'nextUpdate',
  'entries',
  'isDelta',
])

/** Looks at two CRLs together. Throws CommandError for a file that cannot be read, and for lists of two CAs. */
export async function lookAtPair(
  mode: PairMode,
  files: readonly [string, string],
  question: Question,
  surroundings: Surroundings,
): Promise<Looked> {
  const [first, second] = openSources(files, surroundings)
  if (first === undefined || second === undefined) throw new RangeError('expected two files')
  using opened = new DisposableStack()
  const before = await open(first, question, surroundings)
  if ('crl' in before) opened.use(before)
  const after = await open(second, question, surroundings)
  if ('crl' in after) opened.use(after)
  const document = together(mode, before, after, question)
  const views = document.objects.map((inspection, i) => ({
    title: i === 0 ? first.name : second.name,
    inspection: shortened(inspection),
  }))
  const title = mode === 'diff' ? 'what changed' : 'together'
  return { document, views: [...views, { title, inspection: document }] }
}

type Opened = OpenCrl<IndexedCrl> | Inspection

async function open(source: Source, { ber }: Question, { onProgress }: Surroundings): Promise<Opened> {
  const { size } = source
  try {
    return await indexCrl(source, { ber, onProgress: (done) => onProgress(done, size ?? 0) })
  } catch (error) {
    if (error instanceof PkiError) return malformed('crl', { size }, error)
    throw error
  }
}

function together(mode: PairMode, before: Opened, after: Opened, question: Question): Inspections {
  if ('crl' in before && 'crl' in after)
    return mode === 'diff'
      ? compareCrls(before.crl, after.crl, question)
      : combineWithDelta(before.crl, after.crl, question)
  const inspected = (opened: Opened): Inspection =>
    'crl' in opened ? inspectCrl(opened.crl, question) : opened
  const objects = [inspected(before), inspected(after)] as const
  return { ...combine(objects), objects }
}

function shortened(inspection: Inspection): Inspection {
  const facts = Object.fromEntries(Object.entries(inspection.facts).filter(([name]) => SHORT.has(name)))
  return { ...inspection, facts }
}
