import { lstat, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { JournalError } from '../journal/error.ts'
import { parseNote, verifyNote, type VerifierKey } from '../journal/note.ts'
import type { Facts, FactsOf } from '../model/facts.ts'
import type { Artifact, ProbeError, ProbeResult } from '../model/observation.ts'
import { messageOf, systemCode } from '../model/thrown.ts'
import { toTimestamp } from '../model/time.ts'
import { parseAttestation, type Attestation } from './attestation.ts'
import { probeError } from './observe.ts'

// Statements that people have signed, as observations: of each subject and kind the newest one, and one of the directory as a whole.

export interface AttestationSource {
  readonly directory: string
  /** Whose signatures count. */
  readonly keys: readonly VerifierKey[]
}

/** What a statement's file is called. */
export const ATTESTATION_SUFFIX = '.note'

/** Of the observation of the directory as a whole. */
const GOVERNANCE = 'pki_governance'
const DIRECTORY = 'directory'
const MEDIA_TYPE = 'text/vnd.c2sp.signed-note'

/** Files that are read at each look: some years of reviews. More is a mistaken path. */
const MAX_FILES = 1000
/** Octets of one file: a statement of 4000 characters and its signatures stay below. */
const MAX_FILE = 64 * 1024
/** Milliseconds that the clock of a signer may be ahead. */
const MAX_AHEAD = 5 * 60_000
/** Refused files that the observation names. */
const MAX_NAMED = 3

interface Accepted {
  readonly attestation: Attestation
  readonly bytes: Uint8Array
}

/** Looks at every statement once. Never rejects for what stands in the directory, or because it cannot be read. */
export async function readAttestations(
  { directory, keys }: AttestationSource,
  { now, vantage }: { readonly now: number; readonly vantage: string },
): Promise<readonly ProbeResult[]> {
  const result = (
    about: { subject: string; target: string },
    facts: Facts['attestation'],
    error: ProbeError | undefined,
    artifacts: readonly Artifact[],
  ): ProbeResult => ({
    observation: {
      ...about,
      probe: 'attestation',
      vantage,
      start: toTimestamp(now),
      duration: 0,
      outcome: error === undefined ? 'success' : 'failure',
      facts: facts === undefined ? {} : { attestation: facts },
      ...(error === undefined ? {} : { error }),
      artifacts: [],
    },
    artifacts,
  })
  const whole = { subject: GOVERNANCE, target: DIRECTORY }
  let names: string[]
  try {
    names = (await readdir(directory)).filter((name) => name.endsWith(ATTESTATION_SUFFIX)).toSorted()
  } catch (error) {
    const why = `the directory of statements cannot be read: ${messageOf(error)}`
    return [result(whole, undefined, probeError('resolve', 'attestations_unreadable', why), [])]
  }
  const refused = names.slice(MAX_FILES).map((name) => `${name}: more than ${MAX_FILES} files`)
  const newest = new Map<string, Accepted>()
  for (const name of names.slice(0, MAX_FILES)) {
    const read = await readStatement(join(directory, name), keys, now)
    if (typeof read === 'string') refused.push(`${name}: ${read}`)
    else {
      const { subject, kind, at } = read.attestation
      const key = `${subject} ${kind}`
      const before = newest.get(key)
      if (before === undefined || before.attestation.at <= at) newest.set(key, read)
    }
  }
  const statements = [...newest.values()].map(({ attestation, bytes }) => {
    const { subject, kind } = attestation
    const artifacts = [{ mediaType: MEDIA_TYPE, bytes }]
    return result({ subject, target: kind }, statementFacts(attestation), undefined, artifacts)
  })
  const counts = { files: names.length, refused: refused.length }
  return [...statements, result(whole, counts, refusal(refused), [])]
}

export function statementFacts({ kind, by, statement, at, expires }: Attestation): FactsOf<'attestation'> {
  return { kind, by, statement, at: toTimestamp(at), expires: toTimestamp(expires) }
}

function refusal(refused: readonly string[]): ProbeError | undefined {
  if (refused.length === 0) return undefined
  const more = refused.length - MAX_NAMED
  const named = `${refused.slice(0, MAX_NAMED).join('; ')}${more > 0 ? `; and ${more} more` : ''}`
  return probeError('signature', 'attestation_refused', named)
}

/** The statement with its bytes, or why it is not taken. */
async function readStatement(
  file: string,
  keys: readonly VerifierKey[],
  now: number,
): Promise<Accepted | string> {
  try {
    const status = await lstat(file)
    if (!status.isFile()) return 'not a file'
    if (status.size > MAX_FILE) return `larger than ${MAX_FILE} octets`
    return acceptStatement(await readFile(file), keys, now)
  } catch (error) {
    if (systemCode(error) !== '') return messageOf(error)
    throw error
  }
}

/** A statement, or why it does not count. `now` in milliseconds. Pure. */
export function acceptStatement(
  bytes: Uint8Array,
  keys: readonly VerifierKey[],
  now: number,
): Accepted | string {
  try {
    const note = parseNote(Buffer.from(bytes).toString('utf8'))
    const signers = verifyNote(note, keys)
    if (signers.length === 0) {
      const names = note.signatures.map(({ name, id }) => `${name}+${id}`).join(', ')
      return `signed by ${names}, whose key is not among the trusted ones`
    }
    const attestation = parseAttestation(note.text)
    if (typeof attestation === 'string') return attestation
    if (!signers.some((signer) => signer.name === attestation.by))
      return `made in the name of ${attestation.by}, signed by ${signers.map(({ name }) => name).join(', ')}`
    if (attestation.at - now > MAX_AHEAD) return `dated in the future, ${toTimestamp(attestation.at)}`
    return { attestation, bytes }
  } catch (error) {
    if (error instanceof JournalError) return error.message
    throw error
  }
}
