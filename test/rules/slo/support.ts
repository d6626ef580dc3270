import { slosSchema, type SlosConfig } from '../../../model/slos.ts'
import { objectivesOf, type Objective } from '../../../rules/slo/objective.ts'
import { INVENTORY, targetsFor } from '../inventory.ts'

export const TARGETS = targetsFor(INVENTORY)

export function slosOf(slos: object = {}): SlosConfig {
  return slosSchema.parse(slos)
}

export function objectives(slos: object = {}): readonly Objective[] {
  return objectivesOf(slosOf(slos), INVENTORY, TARGETS)
}
