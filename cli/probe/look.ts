import { randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import type { Observation, ProbeResult } from '../../model/observation.ts'
import { Delegations } from '../../pki/ocspSigner.ts'
import { followPolicy } from '../../probes/fetch/follow.ts'
import { systemNames } from '../../probes/fetch/resolve.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import { NO_LEDGER } from '../../probes/reconciliation/ledger.ts'
import type { Target } from '../../probes/probe.ts'
import { runProbe } from '../../probes/table.ts'
import { declaredHosts, hostNameOf } from '../../probes/targets.ts'
import { CommandError, EXIT } from '../exit.ts'
import { printJson, printLine } from '../output.ts'
import { humanDuration, paint, printable, table } from '../terminal.ts'
import type { CommonOptions } from './options.ts'

/** Largest CRL that a single look reads: 1 GiB. */
const MAX_SIZE = 1024 * 1024 * 1024
/** Items of a list that still read well in one line. */
const MAX_IN_LINE = 3

/** Runs the probe once, without any memory, and prints what it saw. */
export async function look(options: CommonOptions, target: Target): Promise<void> {
  const result = await runProbe(target, {
    now: Date.now,
    vantage: 'cli',
    maxSize: MAX_SIZE,
    random: randomBytes,
    delegations: new Delegations(),
    names: systemNames(pinned(options, target)),
    follow: followPolicy({ networks: options.allowNetwork, declared: declaredHosts(target) }),
    memory: new RecordedMemory([]),
    ledger: NO_LEDGER,
    artifact: () => Promise.resolve(undefined),
    signal: new AbortController().signal,
  })
  if (options.json === true) printJson(document(result, target))
  else print(result, target)
  process.exitCode = isWell(result.observation) ? EXIT.ok : EXIT.findings
}

/** A run of `mtls` is a success when everything could be asked; what is let in a rule would say. */
function isWell({ outcome, facts }: Observation): boolean {
  return outcome === 'success' && (facts.mtls?.acceptedAt ?? []).length === 0
}

/** Addresses instead of those that the host's name has. Throws CommandError(usage). */
function pinned({ address }: CommonOptions, target: Target): Readonly<Record<string, readonly string[]>> {
  if (address.length === 0) return {}
  const host = hostNameOf(target)
  if (host !== undefined && isIP(host) === 0) return { [host]: address }
  throw new CommandError(EXIT.usage, '--address is for a host that is given by its name')
}

/** Without an issuer nothing was verified, and the document says so. */
function document({ observation }: ProbeResult, target: Target): unknown {
  const { probe, target: address, start, duration: ms, outcome, facts, error, artifacts } = observation
  return {
    probe,
    target: address,
    start,
    duration: ms,
    outcome,
    ...('issuer' in target ? { verified: target.issuer !== undefined } : {}),
    ...(error === undefined ? {} : { error }),
    facts,
    artifacts,
  }
}

function print({ observation }: ProbeResult, target: Target): void {
  const { error, facts, duration: ms } = observation
  const verdict = isWell(observation)
    ? paint(process.stdout, 'green', 'fine')
    : paint(process.stdout, 'red', 'FAILED')
  printLine(`${observation.target}: ${verdict} (${humanDuration(ms)})`)
  if (error !== undefined)
    printLine(
      `  ${paint(process.stdout, 'red', `${error.phase}: ${error.code}`)}: ${printable(error.message)}`,
    )
  if ('issuer' in target && target.issuer === undefined)
    printLine(paint(process.stdout, 'yellow', '  not verified: give the issuing CA with --issuer'))
  const rows = Object.entries(facts).flatMap(([group, values]) =>
    group === 'authority' || group === 'service'
      ? []
      : Object.entries(values).flatMap(([name, value]) => rowsOf(`  ${group}.${name}`, value)),
  )
  if (rows.length > 0) printLine(table(rows))
}

/** A long list has a line for each item. */
function rowsOf(name: string, value: unknown): string[][] {
  if (!Array.isArray(value)) return [[name, printable(factText(value))]]
  if (value.length === 0) return [[name, paint(process.stdout, 'dim', 'none')]]
  const items = value.map(String)
  if (items.length <= MAX_IN_LINE) return [[name, printable(items.join(', '))]]
  return items.map((item, i) => [i === 0 ? name : '', printable(item)])
}

function factText(value: unknown): string {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) {
    const ms = Date.parse(value) - Date.now()
    return `${value} (${ms < 0 ? `${humanDuration(-ms)} ago` : `in ${humanDuration(ms)}`})`
  }
  return String(value)
}
