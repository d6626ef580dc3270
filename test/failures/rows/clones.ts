import { MINUTE } from '../../rules/journalDouble.ts'
import type { Row } from '../row.ts'

/** A log takes nothing back: what it told is told of for a while. */
const BRIEFLY = { told_for: '2m' }
const RULES = ['clones_serials_once', 'clones_serials_in_range', 'clones_crl_numbers_once']

const row = (fault: string, ...rules: readonly string[]): Row => ({
  id: 'L10',
  fault,
  target: 'devices',
  rules,
  settings: { rules: { parameters: Object.fromEntries(RULES.map((rule) => [rule, BRIEFLY])) } },
  overAfter: 3 * MINUTE,
})

export const CLONE_ROWS: readonly Row[] = [
  // It is in the range of the other.
  row('clone-serial-twice', 'clones_serials_once', 'clones_serials_in_range'),
  row('clone-serial-outside', 'clones_serials_in_range'),
  row('clone-makes-crls', 'clones_crl_numbers_once'),
]
