// What is done to the running PKI: faults switched on and off, remediations carried out. One thing at a time.
import type { AuditLog } from './auditLog.ts'
import type { CeremonyResult } from './ceremony.ts'
import { toTimestamp, type Clock, type Timestamp } from '../model/time.ts'
import type { Remediation } from './controlPlane.ts'
import type { DagsterLog } from './dagsterLog.ts'
import type { Deployment } from './deployment.ts'
import type { DogtagCa } from './dogtagCa.ts'
import { ADMINISTRATORS } from './ejbcaEvents.ts'
import { LabError } from './error.ts'
import { LOOPBACK } from './http.ts'
import type { AuthorityParts, Fault, FaultTools, Undo } from './faults/fault.ts'
import { FAULTS } from './faults/table.ts'
import type { Prober } from './prober.ts'
import { SerialQueue } from './queue.ts'
import type { Repository } from './repository.ts'

export interface ActiveFault {
  readonly fault: string
  readonly target: string
  readonly since: Timestamp
}

interface Switched extends ActiveFault {
  readonly row: Fault
  readonly undo: Undo | undefined
}

interface OperationsOptions {
  readonly authorities: ReadonlyMap<string, AuthorityParts>
  readonly services: ReadonlyMap<string, Deployment>
  readonly dogtag: DogtagCa
  readonly repository: Repository
  readonly ceremony: Pick<CeremonyResult, 'certify' | 'crossCertify'>
  readonly prober: Prober
  readonly log: AuditLog
  readonly dagsterLog: DagsterLog
  readonly addresses: readonly string[]
  readonly now: Clock
  /** Milliseconds. */
  readonly nearExpiry: number
  /** Logs that an administrator opened the admin web. */
  readonly login: (who: string) => void
  readonly onFault: (fault: string, target: string, state: 'on' | 'off') => void
}

export class Operations {
  readonly #options: OperationsOptions
  readonly #queue = new SerialQueue()
  readonly #active = new Map<string, Switched>()
  readonly #tools: FaultTools
  #closed = false

  constructor(options: OperationsOptions) {
    this.#options = options
    const { repository, addresses, now, nearExpiry, ceremony, prober, log, dagsterLog } = options
    this.#tools = {
      repository,
      certify: ceremony.certify,
      crossCertify: ceremony.crossCertify,
      prober,
      log,
      dagsterLog,
      addresses,
      oneAddress: addresses.at(-1) ?? LOOPBACK,
      now,
      nearExpiry,
      login: (who) => {
        options.login(who)
        return who
      },
      partsOf: (id) => this.#authority(id),
      otherAuthority: (than) => {
        const other = [...options.authorities.values()].find((ca) => ca.id !== than.id)
        if (other === undefined) throw new LabError('unknown_target', 'there is no other issuing CA')
        return other
      },
      otherService: (than) => {
        // Preferably of the same CA: then the identity is all that is wrong.
        const others = [...options.services.values()].filter((service) => service !== than)
        const other = others.find((service) => service.authority === than.authority) ?? others[0]
        if (other === undefined) throw new LabError('unknown_target', 'there is no other service')
        return other
      },
    }
  }

  active(): readonly ActiveFault[] {
    return [...this.#active.values()].map(({ fault, target, since }) => ({ fault, target, since }))
  }

  /** Already on: nothing happens. LabError `conflict` when another fault that the same cure ends is on for this target. */
  break(fault: string, target: string): Promise<void> {
    return this.#serially(async () => {
      const row = findFault(fault)
      const key = `${fault}:${target}`
      if (this.#active.has(key)) return
      const other = [...this.#active.values()].find(
        (active) =>
          active.target === target && row.curedBy !== undefined && active.row.curedBy === row.curedBy,
      )
      if (other !== undefined) {
        throw new LabError('conflict', `${target} already has ${other.fault}: repair that first`)
      }
      const undo = await this.#apply(row, target)
      const since = toTimestamp(this.#options.now())
      this.#active.set(key, { fault, target, since, row, undo })
      this.#options.onFault(fault, target, 'on')
    })
  }

  /** Not on: nothing happens. */
  repair(fault: string, target: string): Promise<void> {
    return this.#serially(async () => {
      const row = findFault(fault)
      this.#checkTarget(row.target, target)
      const switched = this.#active.get(`${fault}:${target}`)
      if (switched === undefined) return
      if (row.curedBy !== undefined) {
        await this.#remedy(row.curedBy, target, this.#tools.login(ADMINISTRATORS.superAdmin))
        return
      }
      await switched.undo?.()
      this.#end((active) => active.fault === fault && active.target === target)
    })
  }

  /** LabError `unknown_target` when this remediation has no such target. */
  checkRemedy(action: Remediation, target: string): void {
    this.#checkTarget(action === 'reissue_crl' ? 'ca' : 'service', target)
  }

  /** Carries out a remediation, which ends the faults that it cures. Says what was done. */
  remedy(action: Remediation, target: string, who: string): Promise<string> {
    return this.#serially(() => this.#remedy(action, target, who))
  }

  /** The CA's own schedule: a new CRL everywhere where publishing has not stopped. */
  refreshCrls(): Promise<void> {
    return this.#serially(async () => {
      for (const { distributionPoint } of this.#options.authorities.values()) {
        await distributionPoint.refresh(ADMINISTRATORS.scheduler)
      }
    })
  }

  /** Nothing more is started; what runs is finished. */
  async close(): Promise<void> {
    this.#closed = true
    await this.#queue.idle()
  }

  /** Gives what ends it, unless a remediation does. */
  async #apply(row: Fault, target: string): Promise<Undo | undefined> {
    const undo = await this.#begin(row, target)
    return isUndo(undo) ? undo : undefined
  }

  #begin(row: Fault, target: string): Promise<unknown> {
    switch (row.target) {
      case 'ca':
        return row.apply(this.#authority(target), this.#tools)
      case 'service':
        return row.apply(this.#service(target), this.#tools)
      case 'dogtag':
        return row.apply(this.#dogtag(target), this.#tools)
    }
  }

  async #remedy(action: Remediation, target: string, who: string): Promise<string> {
    const detail =
      action === 'reissue_crl' ? await this.#reissue(target, who) : await this.#rotate(target, who)
    this.#end((active) => active.row.curedBy === action && active.target === target)
    return detail
  }

  async #reissue(target: string, who: string): Promise<string> {
    const { distributionPoint, crlNumber } = this.#authority(target)
    await distributionPoint.issue(who)
    return `published CRL ${crlNumber()} of ${target}`
  }

  async #rotate(target: string, who: string): Promise<string> {
    const { serial, notAfter } = await this.#service(target).rotate(who)
    return `deployed certificate ${serial} on ${target}, valid until ${toTimestamp(notAfter)}`
  }

  #end(ended: (active: Switched) => boolean): void {
    for (const [key, active] of this.#active) {
      if (!ended(active)) continue
      this.#active.delete(key)
      this.#options.onFault(active.fault, active.target, 'off')
    }
  }

  #serially<T>(job: () => Promise<T>): Promise<T> {
    return this.#queue.run(() => {
      if (this.#closed) throw new LabError('closed', 'the lab is closing')
      return job()
    })
  }

  #checkTarget(kind: Fault['target'], target: string): void {
    if (kind === 'ca') this.#authority(target)
    else if (kind === 'service') this.#service(target)
    else this.#dogtag(target)
  }

  #authority(id: string): AuthorityParts {
    return find(this.#options.authorities, id, 'an issuing CA')
  }

  #dogtag(id: string): DogtagCa {
    const { dogtag } = this.#options
    return find(new Map([[dogtag.id, dogtag]]), id, 'the CA')
  }

  #service(id: string): Deployment {
    return find(this.#options.services, id, 'a service')
  }
}

function isUndo(undo: unknown): undo is Undo {
  return typeof undo === 'function'
}

function findFault(id: string): Fault {
  const fault = FAULTS.find((row) => row.id === id)
  if (fault !== undefined) return fault
  throw new LabError('unknown_fault', `expected a fault that "vigil lab status" lists, got ${id}`)
}

function find<T>(things: ReadonlyMap<string, T>, id: string, what: string): T {
  const found = things.get(id)
  if (found !== undefined) return found
  throw new LabError('unknown_target', `expected ${what} of ${[...things.keys()].join(', ')}, got ${id}`)
}
