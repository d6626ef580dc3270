import type { Facts } from '../model/facts.ts'
import type { Observation, ProbeKind } from '../model/observation.ts'
import { fromTimestamp } from '../model/time.ts'
import type { TargetState } from '../store/contract.ts'

/** Which target: what the journal tells one from another by. */
interface Named {
  readonly subject: string
  readonly probe: ProbeKind
  readonly address: string
}

export interface Remembered {
  readonly subject: string
  readonly target: string
  readonly facts: Facts
  /** What the newest run itself established. */
  readonly newest: Facts
}

/** What earlier runs established, of all targets. Probes compare with it; it holds nothing that was not recorded. */
export interface ProbeMemory {
  /** Every group of facts as the newest run that established it left it; undefined before the first run. */
  of(target: Named): Facts | undefined
  /** The same of every target of a kind, in the order in which they were first seen. */
  all(probe: ProbeKind): Iterable<Remembered>
  /** When its newest run began, in milliseconds; undefined before the first. */
  lastRun(target: Named): number | undefined
  /** Subjects of the services whose certificate, when last seen, had this key. */
  servingKey(spkiSha256: string): Iterable<string>
}

/** The memory of a running vigil: filled from the store at the start, then with what is recorded. Of these targets only. */
export class RecordedMemory implements ProbeMemory {
  readonly #targets: ReadonlySet<string>
  readonly #byProbe = new Map<ProbeKind, Map<string, Remembered>>()
  /** By key, then by target: the subject. So that to compare each service with all others is not the square of their number. */
  readonly #byKey = new Map<string, Map<string, string>>()
  readonly #lastSuccess = new Map<string, number>()
  readonly #lastRun = new Map<string, number>()

  constructor(targets: readonly Named[]) {
    this.#targets = new Set(
      targets.map(({ subject, probe, address }) => `${probe} ${keyOf(subject, address)}`),
    )
  }

  /** The store also remembers what is not declared any more. */
  hydrate(latest: readonly TargetState[]): void {
    for (const { observation, known, lastStart } of latest) {
      this.#keep(observation, known)
      const { outcome, subject, probe, target } = observation
      const name = `${probe} ${keyOf(subject, target)}`
      const start = fromTimestamp(lastStart)
      if (this.#targets.has(name)) this.#lastRun.set(name, start)
      if (outcome === 'success') this.#lastSuccess.set(name, start)
    }
  }

  /** When the newest run began that the store knew of at the start, in milliseconds; undefined: there was none, or it failed. */
  lastSuccess({ subject, probe, address }: Named): number | undefined {
    return this.#lastSuccess.get(`${probe} ${keyOf(subject, address)}`)
  }

  /** Takes a run that was recorded. */
  remember(observation: Observation): void {
    const { subject, probe, target, start } = observation
    const name = `${probe} ${keyOf(subject, target)}`
    if (this.#targets.has(name)) this.#lastRun.set(name, fromTimestamp(start))
    const before = this.#byProbe.get(probe)?.get(keyOf(subject, target))?.facts
    this.#keep(observation, { ...before, ...observation.facts })
  }

  lastRun({ subject, probe, address }: Named): number | undefined {
    return this.#lastRun.get(`${probe} ${keyOf(subject, address)}`)
  }

  of({ subject, probe, address }: Named): Facts | undefined {
    return this.#byProbe.get(probe)?.get(keyOf(subject, address))?.facts
  }

  all(probe: ProbeKind): Iterable<Remembered> {
    return this.#byProbe.get(probe)?.values() ?? []
  }

  servingKey(spkiSha256: string): Iterable<string> {
    return this.#byKey.get(spkiSha256)?.values() ?? []
  }

  #keep({ subject, probe, target, facts: newest }: Observation, facts: Facts): void {
    if (!this.#targets.has(`${probe} ${keyOf(subject, target)}`)) return
    const targets = this.#byProbe.get(probe) ?? new Map<string, Remembered>()
    this.#byProbe.set(probe, targets)
    const name = keyOf(subject, target)
    if (probe === 'tls') this.#keepKey(name, subject, targets.get(name)?.facts, facts)
    targets.set(name, { subject, target, facts, newest })
  }

  #keepKey(name: string, subject: string, before: Facts | undefined, facts: Facts): void {
    const [old, key] = [before, facts].map((known) => known?.certificate?.spkiSha256)
    if (old === key) return
    if (old !== undefined) {
      const services = this.#byKey.get(old)
      services?.delete(name)
      if (services?.size === 0) this.#byKey.delete(old)
    }
    if (key === undefined) return
    const services = this.#byKey.get(key) ?? new Map<string, string>()
    this.#byKey.set(key, services.set(name, subject))
  }
}

function keyOf(subject: string, target: string): string {
  return `${subject} ${target}`
}
