import type { Facts } from '../model/facts.ts'
import type { Waiver } from '../model/finding.ts'
import type { RecordId } from '../model/recordId.ts'
import type { Traced } from './cel.ts'
import type { Rule } from './pack.ts'
import type { ParameterVersion, RuleSettings } from './parameters.ts'
import type { RawVerdict } from './standing.ts'

/** How a verdict comes about. */
export interface Explanation {
  readonly rule: Rule
  readonly settings: RuleSettings
  readonly version: ParameterVersion
  /** The date by which the edition was chosen, in milliseconds; undefined when the evidence does not show it. */
  readonly date: number | undefined
  readonly verdict: RawVerdict
  /** Why it is unknown or does not apply; '' otherwise. */
  readonly reason: string
  /** Whose observation decided. */
  readonly target: string | undefined
  readonly facts: Facts
  readonly targets: readonly {
    readonly address: string
    readonly verdict: RawVerdict
    readonly reason: string
    readonly observation: RecordId | undefined
  }[]
  readonly traces: readonly {
    readonly name: 'given' | 'when' | 'condition'
    readonly parts: readonly Traced[]
  }[]
  readonly waiver: Waiver | undefined
}
