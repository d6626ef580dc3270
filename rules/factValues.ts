import { Duration } from '@marcbachmann/cel-js/evaluator'
import { FACTS, type FactGroup, type Facts, type FactType } from '../model/facts.ts'
import { lintOutcomes } from '../pki/lints/facts.ts'
import { LINTS } from '../pki/lints/table.ts'

/** A fact as CEL wants it: integers are BigInt, doubles numbers, times Date, durations the library's own class. */
export type CelValue = boolean | bigint | number | string | Date | Duration | readonly string[]

/** What the CEL library calls our types. */
export const CEL_TYPES = {
  bool: 'bool',
  int: 'int',
  double: 'double',
  string: 'string',
  timestamp: 'google.protobuf.Timestamp',
  duration: 'google.protobuf.Duration',
  'list<string>': 'list<string>',
} as const satisfies Record<FactType, string>

export type ValueClass = new (values: Readonly<Record<string, CelValue>>) => object

/** A class of its own for each object type: CEL tells the type of a value by its constructor. */
export function makeValueClass(): ValueClass {
  // eslint-disable-next-line @typescript-eslint/no-extraneous-class -- its constructor is its type
  return class {
    constructor(values: Readonly<Record<string, CelValue>>) {
      Object.assign(this, values)
    }
  }
}

/** What rules can read: the facts as they are recorded, and the outcome of every lint by its id. */
export const RULE_FACTS: Readonly<Record<FactGroup, Readonly<Record<string, FactType>>>> = {
  ...FACTS,
  lint: { ...FACTS.lint, ...Object.fromEntries(LINTS.map(({ id }) => [id, 'string' as const])) },
}

export const FACT_GROUPS: readonly FactGroup[] = Object.keys(FACTS).filter((g): g is FactGroup => g in FACTS)

/** One class for each group of facts, registered with every CEL environment. */
export const GROUP_CLASSES = byGroup(() => makeValueClass())

/** The facts of one observation, ready for evaluation. A group without facts is an empty object, never absent. */
export type FactValues = Readonly<Record<FactGroup, object>>

const EMPTY: FactValues = byGroup((group) => new GROUP_CLASSES[group]({}))

function byGroup<T>(make: (group: FactGroup) => T): Readonly<Record<FactGroup, T>> {
  // Object.fromEntries forgets the keys' type; FACT_GROUPS has every group.
  return Object.fromEntries(FACT_GROUPS.map((group) => [group, make(group)])) as Record<FactGroup, T>
}

export function factValues(facts: Facts): FactValues {
  const values: Record<FactGroup, object> = { ...EMPTY }
  for (const group of FACT_GROUPS) {
    const held = facts[group]
    if (held !== undefined) values[group] = group === 'lint' ? lintValues(held) : groupValues(group, held)
  }
  return values
}

/** Different outcomes that are held. A CA's certificates mostly fail and pass alike; without sharing, 10,000 of them would take 30 MB. */
const MAX_SHARED = 1000
const shared = new Map<string, object>()

/** The outcomes of lints by id, one object for all that are alike. */
function lintValues(facts: Readonly<Record<string, unknown>>): object {
  const key = JSON.stringify(facts)
  const known = shared.get(key)
  if (known !== undefined) return known
  if (shared.size >= MAX_SHARED) shared.clear()
  const values = groupValues('lint', { ...facts, ...lintOutcomes(facts) })
  shared.set(key, values)
  return values
}

/**
 * One group as CEL values. A fact that is not of its declared type is left out, so that a rule which needs it
 * becomes `unknown`: what cannot be read is never taken for a value.
 */
export function groupValues(group: FactGroup, facts: Readonly<Record<string, unknown>>): object {
  const types = RULE_FACTS[group]
  const values: Record<string, CelValue> = {}
  for (const [name, held] of Object.entries(facts)) {
    const type = Object.hasOwn(types, name) ? types[name] : undefined
    const value = type === undefined ? undefined : toCelValue(type, held)
    if (value !== undefined) values[name] = value
  }
  return new GROUP_CLASSES[group](values)
}

export function toCelValue(type: FactType, value: unknown): CelValue | undefined {
  switch (type) {
    case 'bool':
      return typeof value === 'boolean' ? value : undefined
    case 'string':
      return typeof value === 'string' ? value : undefined
    case 'int':
      return Number.isSafeInteger(value) && typeof value === 'number' ? BigInt(value) : undefined
    case 'double':
      return typeof value === 'number' && Number.isFinite(value) ? value : undefined
    case 'duration':
      return typeof value === 'number' && Number.isFinite(value)
        ? Duration.fromMilliseconds(value)
        : undefined
    case 'timestamp': {
      if (typeof value !== 'string') return undefined
      const at = new Date(value)
      return Number.isNaN(at.getTime()) ? undefined : at
    }
    case 'list<string>':
      return isStrings(value) ? value : undefined
  }
}

function isStrings(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((v) => typeof v === 'string')
}
