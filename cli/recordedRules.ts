import { z } from 'zod'
import type { JournalReader } from '../journal/reader.ts'
import { configSchema, type Config } from '../model/config.ts'
import type { SealedRecord } from '../model/record.ts'
import { RulesError } from '../rules/error.ts'
import { parsePack, type Pack } from '../rules/pack.ts'
import { CommandError, EXIT } from './exit.ts'

/** Rules that were in force, as the journal holds them. */
export interface RecordedRules {
  readonly packs: readonly Pack[]
  readonly rules: Pick<Config['rules'], 'parameters' | 'waivers'> & Pick<Config, 'maintenance'>
}

const PACK_PREFIX = 'rules/'
/** What of the configuration judging follows from, and the public files that it names. */
export const INPUTS = 'inputs.json'

const recordedConfig = z.looseObject({
  rules: configSchema.shape.rules,
  maintenance: configSchema.shape.maintenance,
})

/**
 * Packs, parameters, waivers and maintenance of a configuration record. Throws CommandError when they are not there or cannot be read by this version of
 * vigil.
 */
export async function recordedRules(
  reader: Pick<JournalReader, 'getArtifact'>,
  record: SealedRecord & { readonly kind: 'configuration' },
): Promise<RecordedRules> {
  const text = async (digest: string, name: string): Promise<string> => {
    const bytes = await reader.getArtifact(digest)
    if (bytes === undefined) throw unusable(record.id, `${name} (${digest}) is not in the journal`)
    return Buffer.from(bytes).toString('utf8')
  }
  const packs: Pack[] = []
  let rules: RecordedRules['rules'] | undefined
  for (const { name, digest } of record.body.artifacts) {
    const content = await text(digest, name)
    if (name.startsWith(PACK_PREFIX)) packs.push(packOf(content, name, record.id))
    else if (name === 'vigil.yaml') {
      const parsed = recordedConfig.safeParse(JSON.parse(content))
      if (!parsed.success) throw unusable(record.id, 'its rules are not such as this vigil reads')
      const { parameters, waivers } = parsed.data.rules
      rules = { parameters, waivers, maintenance: parsed.data.maintenance }
    }
  }
  if (rules === undefined) throw unusable(record.id, 'it holds no vigil.yaml')
  return { packs, rules }
}

function packOf(text: string, name: string, record: string): Pack {
  try {
    return parsePack(text, `${name} of ${record}`)
  } catch (error) {
    if (!(error instanceof RulesError)) throw error
    throw unusable(record, error.message)
  }
}

function unusable(record: string, why: string): CommandError {
  return new CommandError(EXIT.failed, `the configuration in record ${record} cannot be used: ${why}`)
}
