import type { Journal } from '../journal/journal.ts'
import { readEarlierEpochs } from '../journal/epochs.ts'
import type { NewRecord, Tick } from '../model/record.ts'
import { toTimestamp, type Clock } from '../model/time.ts'
import { SloEvaluator } from '../rules/slo/evaluator.ts'
import type { Store, TargetState } from '../store/contract.ts'
import { resumeAfter } from './follower.ts'
import type { LoadedConfig } from './load.ts'
import { INPUTS } from './recordedRules.ts'
import { restoreRecentHours } from './objectives.ts'
import { applyAll } from './projection.ts'
import { productVersion } from './version.ts'

/** Brings a store that is behind, new or of an earlier epoch to the end of the journal; a new one gets what was watched before a restore, too. */
export async function catchUp(journal: Journal, store: Store, directory: string): Promise<void> {
  const position = await store.position()
  await applyAll(readEarlierEpochs(directory, position), store)
  await applyAll(journal.read(resumeAfter(journal, position)), store)
}

/** Objectives, counted from the position of the store on; undefined where there are none. `started` in milliseconds. */
export async function startCounting(
  { config, objectives, targets }: Pick<LoadedConfig, 'config' | 'objectives' | 'targets'>,
  store: Store,
  { latest, started }: { readonly latest: readonly TargetState[]; readonly started: number },
): Promise<SloEvaluator | undefined> {
  if (config.slos === undefined || objectives.length === 0) return undefined
  const { maintenance, vantage } = config
  const evaluator = new SloEvaluator({ objectives, maintenance, targets, vantage, started })
  evaluator.hydrate(latest)
  await restoreRecentHours(evaluator, store, started)
  return evaluator
}

/** Everything that judging follows from is in the journal before anything is judged by it. `by`: who started vigil. */
export async function recordConfiguration(
  journal: Journal,
  { loaded, by, now }: { readonly loaded: LoadedConfig; readonly by: string; readonly now: Clock },
): Promise<void> {
  const parts = [
    { name: 'vigil.yaml', mediaType: 'application/json', text: JSON.stringify(loaded.recorded) },
    { name: INPUTS, mediaType: 'application/json', text: JSON.stringify(loaded.inputs) },
    ...loaded.packs.map((pack) => ({
      name: `rules/${pack.id}`,
      mediaType: 'application/yaml',
      text: pack.text,
    })),
  ]
  const artifacts = await Promise.all(
    parts.map(async ({ name, mediaType, text }) => ({
      ...(await journal.putArtifact({ mediaType, bytes: Buffer.from(text) })),
      name,
    })),
  )
  const body = { by, product: `pki-vigil ${productVersion()}`, artifacts }
  await journal.append([{ kind: 'configuration', time: toTimestamp(now()), body }])
}

export function tick(reason: Tick['reason'], now: Clock): NewRecord {
  return { kind: 'tick', time: toTimestamp(now()), body: { reason } }
}
