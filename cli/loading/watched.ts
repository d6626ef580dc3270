import type { Issuer, Target } from '../../probes/probe.ts'
import { targetsOf, type TargetSources } from '../../probes/targets.ts'
import { repairTargets } from '../../remediation/repairs.ts'
import type { Pack } from '../../rules/pack.ts'
import type { FollowedJournal } from '../followers.ts'
import { loadObjectives, type Objectives } from '../objectives.ts'
import { watchedByItself } from '../selfTarget.ts'
import { followedOf } from './connections.ts'
import type { Declared } from './declared.ts'
import { anchorsOf, certificateFilesOf, issuedOf, issuersOf, knownGoodOf } from './inventory.ts'

/** What is probed, and what is judged by it. */
export interface Watched extends Objectives {
  readonly issuers: ReadonlyMap<string, Issuer>
  readonly targets: readonly Target[]
  /** Journals of others, and what is needed to mirror them. */
  readonly followed: readonly FollowedJournal[]
}

/** undefined where something is wrong with the configuration, which was reported. `now` in milliseconds. */
export function watchedOf(
  from: Declared,
  {
    packs,
    credentials,
    now,
  }: Pick<TargetSources, 'credentials'> & { readonly packs: readonly Pack[]; readonly now: number },
): Watched | undefined {
  const { config } = from.file
  const issuers = issuersOf(from)
  const sources = {
    config,
    authorities: issuers,
    issued: issuedOf(from),
    knownGood: knownGoodOf(from),
    anchors: anchorsOf(from),
    certificateFiles: certificateFilesOf(from),
    credentials,
  }
  const followed = followedOf(from)
  if (from.problems.length > 0) return undefined
  const targets = targetsOf(sources)
  const { value, problems } = loadObjectives(config, { probed: targets, packs, now })
  for (const { path, message } of problems) from.refuse(path, message)
  const watched = [
    ...value.watched,
    ...repairTargets(config, targets),
    ...watchedByItself(config),
    ...followed.map((journal) => journal.watched),
  ]
  return { issuers, targets, followed, objectives: value.objectives, watched }
}

/** What of a configuration decides what is judged, and by what. */
const INPUT_KEYS = [
  'origin',
  'vantage',
  'inventory',
  'probes',
  'rules',
  'maintenance',
  'slos',
  'attestations',
  'follow',
] as const

/** Everything, beside the packs, that judging follows from, for the journal: no secret is among it. */
export interface RecordedInputs {
  readonly config: Readonly<Record<string, unknown>>
  /** By file name as configured; certificates and public keys in PEM. */
  readonly files: Readonly<Record<string, string>>
}

export function inputsOf({ file, files }: Declared): RecordedInputs {
  const { resolved } = file
  const values = typeof resolved === 'object' && resolved !== null ? Object.entries(resolved) : []
  const keys: ReadonlySet<string> = new Set(INPUT_KEYS)
  const config = Object.fromEntries(values.filter(([key]) => keys.has(key)))
  return {
    config: {
      ...config,
      // Where a backup goes may hold a secret, and decides nothing.
      ...(file.config.backup === undefined ? {} : { backup: { directory: 'backup' } }),
      // As little does whom vigil asks for repairs, and how.
      remediation: { policies: file.config.remediation.policies },
    },
    files: Object.fromEntries([...files].toSorted(([a], [b]) => (a < b ? -1 : 1))),
  }
}
