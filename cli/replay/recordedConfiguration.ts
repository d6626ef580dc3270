import type { KeyObject } from 'node:crypto'
import { z } from 'zod'
import type { JournalReader } from '../../journal/reader.ts'
import { configSchema, type Config } from '../../model/config.ts'
import { formatProblem } from '../../model/problem.ts'
import type { SealedRecord } from '../../model/record.ts'
import { fromTimestamp } from '../../model/time.ts'
import type { AttestationSource } from '../../probes/attestations.ts'
import { checkPacks, type Pack } from '../../rules/pack.ts'
import type { ConfigFile } from '../config.ts'
import { CommandError } from '../exit.ts'
import { attestationsOf } from '../loading/connections.ts'
import { Declared } from '../loading/declared.ts'
import { logSignersOf } from '../loading/logs.ts'
import { watchedOf, type Watched } from '../loading/watched.ts'
import { INPUTS, recordedRules } from '../recordedRules.ts'

/** A configuration as the journal holds it: with everything that judging follows from, and nothing else. */
export interface RecordedConfiguration extends Watched {
  /** What judging does not follow from has its defaults. */
  readonly config: Config
  readonly packs: readonly Pack[]
  readonly logSigners: ReadonlyMap<string, readonly KeyObject[]>
  /** Whose signatures of statements count; undefined: none are asked for. */
  readonly attestationKeys: AttestationSource['keys'] | undefined
}

const recordedInputs = z.object({
  config: z.record(z.string(), z.unknown()),
  files: z.record(z.string(), z.string()),
})

/** Nobody's: as whom the prober spoke does not change what is judged. */
class NoCredentials extends Map<string, { readonly text: string }> {
  override get(): { readonly text: string } {
    return { text: '' }
  }
}

/** Why it can't be used, in one line, where it is not there as this version records it. */
export async function recordedConfiguration(
  reader: Pick<JournalReader, 'getArtifact'>,
  record: SealedRecord & { readonly kind: 'configuration' },
): Promise<RecordedConfiguration | string> {
  const digest = record.body.artifacts.find(({ name }) => name === INPUTS)?.digest
  if (digest === undefined)
    return `${record.body.product} did not record what its files held: vigil.yaml names them only`
  const bytes = await reader.getArtifact(digest)
  if (bytes === undefined) return `its ${INPUTS} is not in the journal any more`
  let packs: readonly Pack[]
  try {
    packs = (await recordedRules(reader, record)).packs
  } catch (error) {
    if (error instanceof CommandError) return error.message
    throw error
  }
  const inputs = recordedInputs.safeParse(JSON.parse(Buffer.from(bytes).toString('utf8')))
  if (!inputs.success) return `its ${INPUTS} is not such as this vigil reads`
  const parsed = configSchema.safeParse(inputs.data.config)
  if (!parsed.success) return `its configuration is not such as this vigil reads: ${parsed.error.message}`
  const config = parsed.data
  const from = new Declared(fileOf(record.id, config), (name) => recordedFile(inputs.data.files, name))
  const now = fromTimestamp(record.recorded)
  const watched = watchedOf(from, { packs, credentials: new NoCredentials(), now })
  const logSigners = logSignersOf(from)
  const attestationKeys = attestationsOf(from)?.keys
  const problems = [...from.problems, ...checkPacks(packs, config.rules.parameters)]
  if (watched === undefined || problems.length > 0)
    return `this vigil refuses it: ${problems.map(formatProblem).join('; ')}`
  return { ...watched, config, packs, logSigners, attestationKeys }
}

function fileOf(record: string, config: Config): ConfigFile {
  return {
    config,
    file: record,
    directory: '/',
    recorded: config,
    resolved: config,
    problem: (path, message) => ({ file: record, line: undefined, path, message }),
  }
}

function recordedFile(files: Readonly<Record<string, string>>, name: string): Buffer {
  const text = files[name]
  if (text === undefined) throw new Error(`${name} was not recorded`)
  return Buffer.from(text)
}
