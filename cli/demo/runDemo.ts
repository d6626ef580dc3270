import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { verifyJournal, type VerifyReport } from '../../journal/verify.ts'
import { startLab, type Lab } from '../../lab/lab.ts'
import { userStateFile } from '../../lab/state.ts'
import { writeVigilYaml } from '../../lab/vigilYaml.ts'
import { toTimestamp } from '../../model/time.ts'
import type { Written } from '../../reports/write.ts'
import { requireConfig } from '../commands/checkConfig.ts'
import { reportMonth } from '../commands/report.ts'
import { currentUser } from '../currentUser.ts'
import { CommandError, EXIT } from '../exit.ts'
import { createLogger } from '../logger.ts'
import { printLine } from '../output.ts'
import { firstSignal } from '../signals.ts'
import { startStack, type Stack } from '../stack.ts'
import { humanDuration, paint, table } from '../terminal.ts'
import { Chronicle, MissedStep } from './chronicle.ts'
import { Narrator } from './narrator.ts'
import { LIFETIMES, MAX_CRL_AGE, SETTINGS } from './settings.ts'
import { allGreen, play, PLOTS, type Episode, type Green } from './story.ts'

/** The page's usual address; where it is taken, any other. */
const PORT = 9480

/** Faults of the lab that a first visitor is told of. */
const INVITED: ReadonlySet<string> = new Set([
  'crl-entry-vanishes',
  'ocsp-down',
  'revoked-served',
  'clients-unverified',
])

/** What `--keep` leaves. */
const KEPT = ['journal', 'vkey', 'vigil.db', 'vigil.yaml', 'pki', 'report.pdf', 'report.html', 'report.json']

/** Exit code of what SIGINT ended before its time, as shells have it. */
const INTERRUPTED = 130

interface Outcome {
  readonly passing: Green
  readonly episodes: readonly Episode[]
  readonly report: Written
  readonly verified: VerifyReport
}

/** Runs lab and stack, tells the story; returns the exit code. Whatever happens, everything is stopped and cleaned up. */
// Imported when the command runs.
// ts-unused-exports:disable-next-line
export async function runDemo(options: {
  readonly once: boolean
  readonly keep: string | undefined
}): Promise<number> {
  const keep = options.keep === undefined ? undefined : prepareKeep(options.keep)
  const started = Date.now()
  const narrator = new Narrator(process.stdout, started)
  const signal = firstSignal()
  await using cleanup = new AsyncDisposableStack()
  const directory = mkdtempSync(join(tmpdir(), 'vigil-demo-'))
  cleanup.defer(() => rmSync(directory, { recursive: true, force: true }))

  narrator.heading('A PKI, and vigil beside it')
  const lab = await startLab({
    directory: join(directory, 'lab'),
    now: Date.now,
    lifetimes: LIFETIMES,
    userStateFile: userStateFile(),
  })
  cleanup.defer(() => lab.close())
  const { authorities, services } = lab.inventory
  narrator.tell(
    Date.now(),
    'lab',
    `${authorities.length} authorities, ${services.length} TLS services, CRLs, OCSP, an audit log, a control plane`,
  )
  const file = await writeVigilYaml(lab, {
    ...SETTINGS,
    directory,
    server: { listen: `127.0.0.1:${await freePort(PORT)}` },
  })
  const loaded = requireConfig(file)
  const stack = await startStack({
    loaded,
    now: Date.now,
    logger: createLogger(process.stderr, 'silent'),
    by: currentUser(),
    sealInterval: 100,
  })
  cleanup.defer(() => stack.stop())
  narrator.tell(
    Date.now(),
    'vigil',
    `watches ${loaded.targets.length} targets; page and metrics on ${stack.url}`,
  )
  await using chronicle = new Chronicle(stack.journal)
  chronicle.listen((record) => narrator.record(record))
  lab.events.on('run', ({ status, action, target, id }) => {
    if (status === 'succeeded' || status === 'failed')
      narrator.tell(Date.now(), 'control plane', `run ${id.slice(0, 8)}: ${action} for ${target} ${status}`)
  })
  // Taken at the start: at the end it is the key that was "obtained elsewhere".
  const trust = readFileSync(join(loaded.journalDirectory, 'vkey'), 'utf8')

  const told = await Promise.race([
    tell({ lab, stack, narrator, chronicle, directory, journal: loaded.journalDirectory, trust }),
    signal,
    stack.failed,
  ])
  if (typeof told === 'string') return INTERRUPTED
  if (told instanceof MissedStep) {
    printLine(`\n${paint(process.stdout, 'red', 'The story broke off')}: ${told.message}`)
    return EXIT.findings
  }
  if (told instanceof Error) throw new CommandError(EXIT.failed, told.message)
  printSummary(told, Date.now() - started)

  if (!options.once) {
    invite(stack, lab)
    const next = await Promise.race([signal, stack.failed])
    if (next instanceof Error) throw new CommandError(EXIT.failed, next.message)
    printLine(`\n${next}: stopping`)
  }
  await stack.stop()
  if (keep !== undefined) keepEvidence(directory, trust, keep)
  else if (options.once)
    printLine('\nNothing was kept; --keep DIR leaves the journal, the database and the report there.')
  return told.verified.verdict === 'authenticated' ? EXIT.ok : EXIT.findings
}

interface Stage {
  readonly lab: Lab
  readonly stack: Stack
  readonly narrator: Narrator
  readonly chronicle: Chronicle
  readonly directory: string
  readonly journal: string
  readonly trust: string
}

/** The story; a step that does not happen ends it. */
async function tell(stage: Stage): Promise<Outcome | MissedStep> {
  const { lab, stack, narrator, chronicle, directory } = stage
  try {
    const passing = await allGreen(stack)
    narrator.tell(
      Date.now(),
      'story',
      `all green: ${passing.rules} rules pass, on ${passing.subjects} subjects`,
    )
    const episodes: Episode[] = []
    for (const plot of PLOTS) episodes.push(await play(plot, { lab, chronicle, narrator, now: Date.now }))

    narrator.heading('A report, and its proof')
    const checkpoint = await stack.journal.publish()
    narrator.tell(
      Date.now(),
      'journal',
      `checkpoint over ${checkpoint.size} entries, root ${checkpoint.root.slice(0, 16)}…`,
    )
    const report = await reportMonth({
      journal: stage.journal,
      month: toTimestamp(Date.now()).slice(0, 7),
      output: directory,
    })
    narrator.tell(
      Date.now(),
      'report',
      'reason' in report.pdf
        ? `report.html, report.json; no PDF: ${report.pdf.reason}`
        : 'report.pdf, report.html, report.json',
    )
    const verified = await verifyJournal(stage.journal, { trust: stage.trust })
    narrator.tell(
      Date.now(),
      'verify',
      `${verified.verdict}: ${verified.size} entries, ${verified.artifacts} artifacts re-derived from the files`,
    )
    if (verified.fault !== undefined) {
      const { file, location, expected, got } = verified.fault
      return new MissedStep(
        `the journal verifies (${file}, ${location}: expected ${expected}, got ${got})`,
        0,
      )
    }
    return { passing, episodes, report, verified }
  } catch (error) {
    if (error instanceof MissedStep) return error
    throw error
  }
}

function printSummary({ passing, episodes, report, verified }: Outcome, took: number): void {
  const good = (text: string): string => paint(process.stdout, 'green', text)
  printLine(`\n${paint(process.stdout, 'bold', 'What happened')} (${humanDuration(took)} in all)\n`)
  printLine(
    table([
      ['  fault', 'found', 'alert sent', 'webhook taken', 'seen repaired', 'alert resolved'].map((cell) =>
        paint(process.stdout, 'dim', cell),
      ),
      ...episodes.map(({ title, broken, detected, alerted, accepted, repaired, resolved }) => [
        `  ${title}`,
        `after ${humanDuration(detected - broken)}`,
        ...[alerted, accepted, repaired, resolved].map((at) => good(`+${humanDuration(at - detected)}`)),
      ]),
    ]),
  )
  printLine(
    `\n  A CRL may be ${MAX_CRL_AGE} old in the demo before it counts as stale; "+" counts from the finding.\n`,
  )
  printLine(
    table([
      ['  before and after', good(`all ${passing.rules} rules pass, on ${passing.subjects} subjects`)],
      [
        '  report',
        'reason' in report.pdf
          ? paint(process.stdout, 'yellow', `HTML and JSON (${report.pdf.reason})`)
          : good('PDF, HTML and JSON'),
      ],
      ['  evidence', good(`${verified.verdict}, ${verified.size} entries`)],
    ]),
  )
}

function invite(stack: Stack, lab: Lab): void {
  printLine(`\n${paint(process.stdout, 'bold', 'It stays up')}: ${stack.url}\n`)
  printLine('  In another terminal:')
  const { faults } = lab.status()
  for (const { id, target } of faults.filter(({ id }) => INVITED.has(id)))
    printLine(`    npx vigil lab break ${id} ${target === 'ca' ? '--ca issuing-2' : '--service payments'}`)
  printLine(`    npx vigil lab status        all ${faults.length} faults, and what is broken`)
  printLine('\n  Ctrl-C ends everything and leaves nothing behind.')
}

/** An existing demo's evidence is never mixed with a new one's. Throws CommandError. */
function prepareKeep(directory: string): string {
  const target = resolve(directory)
  const taken = KEPT.filter((name) => existsSync(join(target, name)))
  if (taken.length > 0)
    throw new CommandError(
      EXIT.usage,
      `${directory} holds ${taken.join(', ')} already: name an empty directory`,
    )
  mkdirSync(target, { recursive: true })
  return target
}

function keepEvidence(directory: string, trust: string, keep: string): void {
  for (const name of KEPT)
    if (existsSync(join(directory, name)))
      cpSync(join(directory, name), join(keep, name), { recursive: true })
  writeFileSync(join(keep, 'vkey'), trust)
  printLine(
    `\nKept in ${keep}. Check it: npx vigil verify ${join(keep, 'journal')} --trust ${join(keep, 'vkey')}`,
  )
}

/** The port, or any other when somebody listens there. */
async function freePort(port: number): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer()
    server.once('error', () => resolve(0))
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(port)))
  })
}
