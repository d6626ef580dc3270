import type { Facts, FactsOf } from '../../model/facts.ts'
import type { Observation, ProbeError } from '../../model/observation.ts'
import { formatInstant, fromTimestamp, toTimestamp } from '../../model/time.ts'
import type { LatestObservation } from '../../store/contract.ts'

// What would be observed at another time: the same objects still served, or made anew with the same lifetimes. All times in milliseconds.

/** The same run, only later: at `at` its evidence is as old as it was at `observed`, and so is what vigil has seen of itself. */
export function runLater(latest: LatestObservation, observed: number, at: number): LatestObservation {
  const lastStart = toTimestamp(fromTimestamp(latest.lastStart) + at - observed)
  const { observation } = latest
  const { monitor } = observation.facts
  if (monitor === undefined) return { ...latest, lastStart }
  const facts = { ...observation.facts, monitor: moved(monitor, MONITOR_TIMES, at - observed) }
  return { ...latest, lastStart, observation: { ...observation, facts } }
}

const MONITOR_TIMES: readonly (keyof FactsOf<'monitor'>)[] = [
  'alertsDelivered',
  'journalRefusedUntil',
  'clockSteppedAt',
]

/**
 * What a probe would say at `at` if the same objects were still served: it judges their times by its clock. Of a path only the end of the
 * served certificate is known.
 */
export function asServedAt<O extends Observation>(observation: O, at: number): O {
  if (observation.outcome === 'failure') return observation
  const { crl, ocsp, certificate, tls, service, chain, path, prober } = observation.facts
  if (isOver(crl?.nextUpdate, at)) return failed(observation, late('crl_expired', crl?.nextUpdate, at))
  if (observation.probe === 'tls' && tls?.pathValid === true && isOver(certificate?.notAfter, at)) {
    const code = 'certificate_expired'
    // What does not lead to the issuer is neither asked about nor linted.
    const facts: Facts = {
      ...(service && { service }),
      ...(prober && { prober }),
      ...(certificate && { certificate }),
      ...(chain && { chain }),
      ...(path && { path: { ...path, count: 0 } }),
      tls: { ...tls, pathValid: false, pathError: code },
    }
    return failed({ ...observation, facts }, late(code, certificate?.notAfter, at))
  }
  if (ocsp === undefined || !isOver(ocsp.nextUpdate, at)) return observation
  const untimely: Mutable<FactsOf<'ocsp'>> = { ...ocsp }
  delete untimely.status
  delete untimely.revokedAt
  delete untimely.reason
  const silent = { ...observation, facts: { ...observation.facts, ocsp: untimely } }
  return observation.probe === 'ocsp' ? failed(silent, late('ocsp_expired', ocsp.nextUpdate, at)) : silent
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] }

/** The same objects, made at `at` with the lifetimes that they had; `observed` is when they were seen. */
export function asRemadeAt<O extends Observation>(observation: O, observed: number, at: number): O {
  const { certificate, crl, crlSchedule, http, ocsp, path, staple, attestation } = observation.facts
  const facts: Facts = {
    ...observation.facts,
    ...(certificate && { certificate: remade('certificate', certificate, at) }),
    ...(crl && { crl: remade('crl', crl, at) }),
    // The schedule goes on from the new one.
    ...(crl &&
      crlSchedule && { crlSchedule: moved(crlSchedule, ['nextDue'], at - (madeAt('crl', crl) ?? observed)) }),
    ...(http && { http: moved(http, ['lastModified', 'freshUntil'], at - observed) }),
    // When the signer's certificate was issued is not known: it has as much time left as it had.
    ...(ocsp && {
      ocsp: moved(remade('ocsp', ocsp, at), ['responderNotBefore', 'responderNotAfter'], at - observed),
    }),
    ...(certificate && path && { path: pathOfRemade(path, certificate, at) }),
    ...(staple && { staple: moved(staple, ['thisUpdate', 'nextUpdate'], at - observed) }),
    ...(attestation && { attestation: remade('attestation', attestation, at) }),
  }
  return { ...observation, facts }
}

/** The authorities stay as they are: a path ends with the new certificate, or with them. */
function pathOfRemade(
  path: FactsOf<'path'>,
  certificate: FactsOf<'certificate'>,
  at: number,
): FactsOf<'path'> {
  const { notAfter } = remade('certificate', certificate, at)
  const { authoritiesNotAfter } = path
  if (notAfter === undefined || authoritiesNotAfter === undefined) return path
  const isLeaf = Date.parse(notAfter) <= Date.parse(authoritiesNotAfter)
  return { ...path, notAfter: isLeaf ? notAfter : authoritiesNotAfter }
}

/** What is made again and again. */
export type Remade = 'certificate' | 'crl' | 'ocsp' | 'attestation'

/** When each was made (the first that is known), when it ends, and which of its times move with that. */
const TIMES: {
  readonly [G in Remade]: {
    readonly made: readonly (keyof FactsOf<G> & string)[]
    readonly end: keyof FactsOf<G> & string
    readonly moves: readonly (keyof FactsOf<G> & string)[]
  }
} = {
  certificate: { made: ['notBefore'], end: 'notAfter', moves: ['notBefore', 'notAfter'] },
  crl: { made: ['thisUpdate'], end: 'nextUpdate', moves: ['thisUpdate', 'nextUpdate'] },
  ocsp: {
    made: ['producedAt', 'thisUpdate'],
    end: 'nextUpdate',
    moves: ['producedAt', 'thisUpdate', 'nextUpdate', 'archiveCutoff'],
  },
  attestation: { made: ['at'], end: 'expires', moves: ['at', 'expires'] },
}

/** How long such an object lives; Infinity where it does not say, but 0 for an OCSP answer, which then is made anew for everybody who asks. */
export function lifetimeOf(group: Remade, facts: Facts): number {
  const held = facts[group]
  const start = held && madeAt(group, held)
  const end = held && timeOf(held, TIMES[group].end)
  if (start !== undefined && end !== undefined) return end - start
  return group === 'ocsp' && held !== undefined ? 0 : Infinity
}

function remade<T extends object>(group: Remade, facts: T, at: number): T {
  const before = madeAt(group, facts)
  return before === undefined ? facts : moved(facts, TIMES[group].moves, at - before)
}

function madeAt(group: Remade, facts: object): number | undefined {
  return TIMES[group].made.map((name) => timeOf(facts, name)).find((time) => time !== undefined)
}

function moved<T extends object>(facts: T, names: readonly string[], by: number): T {
  const times = names.flatMap((name): [string, string][] => {
    const time = timeOf(facts, name)
    // What no calendar holds stays as it is.
    if (time === undefined || Math.abs(time + by) > MAX_TIME) return []
    return [[name, toTimestamp(time + by)]]
  })
  return { ...facts, ...Object.fromEntries(times) }
}

/** ECMA-262, time values and time range. */
const MAX_TIME = 8.64e15

function timeOf(facts: object, name: string): number | undefined {
  const value: unknown = Reflect.get(facts, name)
  const time = typeof value === 'string' ? Date.parse(value) : NaN
  return Number.isNaN(time) ? undefined : time
}

function isOver(end: string | undefined, at: number): boolean {
  return end !== undefined && Date.parse(end) < at
}

function failed<O extends Observation>(observation: O, error: ProbeError): O {
  return { ...observation, outcome: 'failure', error }
}

function late(code: string, end: string | undefined, at: number): ProbeError {
  const got = end === undefined ? 'none' : formatInstant(Date.parse(end))
  return { phase: 'time', code, message: `expected an end after ${formatInstant(at)}, got ${got}` }
}
