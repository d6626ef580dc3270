import { resolve } from 'node:path'
import { Command } from 'commander'
import { incidentCommandSchema, type IncidentCommand } from '../../alerts/command.ts'
import { IncidentBook, type Incident, type IncidentMember } from '../../alerts/incident.ts'
import { JournalError } from '../../journal/error.ts'
import { openReader } from '../../journal/reader.ts'
import { controlSocket } from '../../server/control.ts'
import { askForIncidents, giveCommand } from '../control.ts'
import { currentUser } from '../currentUser.ts'
import { CommandError, EXIT } from '../exit.ts'
import { printJson, printLine } from '../output.ts'
import { paint, printable, table } from '../terminal.ts'
import { requireConfig } from './checkConfig.ts'

const HELP = `
An incident is what fails for one reason: a CA whose responder is down, with the services whose status cannot be known for that.
It opens and closes by itself; every step is in the journal, with who took it (the user of the operating system, as claimed).

"list" and "show" read the journal where no vigil is running; the others need a running one, and the right to open its socket.

Examples:
  $ vigil incident list
  $ vigil incident show inc-3f9a1c2b04d7
  $ vigil incident ack inc-3f9a1c2b04d7 --message "on it"
  $ vigil incident close inc-3f9a1c2b04d7 --force --reason "decommissioned, see CHG-1234"

Exit codes: 0 done, 1 refused, 2 usage or no such incident, 3 could not be done`

interface Options {
  readonly config: string
  readonly journal?: string
  readonly json?: true
}

/** Members shown of one incident. */
const MAX_MEMBERS = 100

export function incidentCommand(): Command {
  const incident = new Command('incident')
    .description('what fails for one reason: list, acknowledge, own, comment, close')
    .addHelpText('afterAll', HELP)
  incident.addCommand(
    common(new Command('list'))
      .description('incidents that are not closed, newest first')
      .option('--all', 'closed ones too')
      .action((options: Options & { all?: true }) => list(options)),
  )
  incident.addCommand(
    common(new Command('show'))
      .description('one incident with its findings')
      .argument('<id>')
      .action((id: string, options: Options) => show(id, options)),
  )
  incident.addCommand(
    common(new Command('ack'))
      .description('say that somebody looks after it')
      .argument('<id>')
      .option('--message <text>', 'one line for the others')
      .action((id: string, options: Options & { message?: string }) =>
        give(options, { command: 'ack', id, ...given('text', options.message) }),
      ),
  )
  incident.addCommand(
    common(new Command('own'))
      .description('say whose it is')
      .argument('<id>')
      .argument('[owner]', 'person or team; you when not given')
      .action((id: string, owner: string | undefined, options: Options) =>
        give(options, { command: 'own', id, owner: owner ?? currentUser() }),
      ),
  )
  incident.addCommand(
    common(new Command('comment'))
      .description('say something about it, one line')
      .argument('<id>')
      .argument('<text>')
      .action((id: string, text: string, options: Options) =>
        give(options, { command: 'comment', id, text }),
      ),
  )
  incident.addCommand(
    common(new Command('close'))
      .description('close it before it closes by itself')
      .argument('<id>')
      .option(
        '--force',
        'although findings of it are in trouble: they open no incident again before they have passed',
      )
      .option('--reason <text>', 'why; needed with --force')
      .action((id: string, options: Options & { force?: true; reason?: string }) =>
        give(options, {
          command: 'close',
          id,
          force: options.force === true,
          ...given('text', options.reason),
        }),
      ),
  )
  return incident
}

function common(command: Command): Command {
  return command
    .option('-c, --config <file>', 'configuration file that names the journal', 'vigil.yaml')
    .option('--journal <dir>', 'journal directory, instead of a configuration')
    .option('--json', 'print one JSON document')
}

function given<K extends string>(key: K, value: string | undefined): Partial<Record<K, string>> {
  const one: Partial<Record<K, string>> = {}
  if (value !== undefined) one[key] = value
  return one
}

function journalOf({ journal, config }: Options): string {
  if (journal !== undefined) return resolve(journal)
  return requireConfig(config, { endedWaivers: 'warn' }).journalDirectory
}

/** From the running vigil, or where there is none from its journal. */
async function read(
  options: Options,
): Promise<{ source: 'vigil' | 'journal'; incidents: readonly Incident[] }> {
  const directory = journalOf(options)
  const running = await askForIncidents(controlSocket(directory))
  if (running !== undefined) return { source: 'vigil', incidents: running }
  const book = new IncidentBook()
  try {
    for await (const batch of (await openReader(directory)).read())
      for (const { kind, body } of batch) if (kind === 'action' && body.kind === 'incident') book.fold(body)
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    throw new CommandError(EXIT.failed, error.message)
  }
  return { source: 'journal', incidents: book.list() }
}

async function list(options: Options & { all?: true }): Promise<void> {
  const { source, incidents } = await read(options)
  const shown = incidents.filter((i) => options.all === true || i.state !== 'closed')
  if (options.json === true) {
    printJson({ source, incidents: shown })
    return
  }
  if (source === 'journal')
    printLine(paint(process.stdout, 'yellow', 'No vigil is running here: as the journal ends.'))
  if (shown.length === 0) printLine(options.all === true ? 'No incidents.' : 'No open incidents.')
  else printLine(table(shown.map(row)))
}

function row(incident: Incident): readonly string[] {
  const present = incident.members.filter((m) => m.left === undefined).length
  return [
    incident.id,
    paint(process.stdout, incident.state === 'open' ? 'red' : 'dim', incident.state),
    incident.severity,
    incident.about,
    `${present} in trouble`,
    incident.opened,
    incident.owner === null ? '' : printable(`owner ${incident.owner}`),
  ]
}

async function show(id: string, options: Options): Promise<void> {
  const { source, incidents } = await read(options)
  const incident = incidents.find((i) => i.id === id)
  if (incident === undefined)
    throw new CommandError(EXIT.usage, `there is no incident ${id}, or it is long over`)
  if (options.json === true) printJson({ source, incident })
  else printIncident(incident)
}

async function give(
  options: Options,
  wanted: Readonly<Record<string, string | boolean>> & Pick<IncidentCommand, 'command'>,
): Promise<void> {
  const parsed = incidentCommandSchema.safeParse({ ...wanted, by: currentUser() })
  if (!parsed.success) {
    const mistakes = parsed.error.issues.map((issue) => [...issue.path, issue.message].join(': '))
    throw new CommandError(EXIT.usage, mistakes.join('; '))
  }
  const directory = journalOf(options)
  const incident = await giveCommand(controlSocket(directory), parsed.data)
  if (incident === undefined)
    throw new CommandError(
      EXIT.failed,
      `no vigil is running on ${directory}, so nothing was recorded: commands go to the process that writes the journal; start "vigil run" first`,
    )
  if (options.json === true) printJson({ incident })
  else printIncident(incident)
}

function printIncident(incident: Incident): void {
  const { members, comments, acknowledged, closed } = incident
  printLine(`${incident.id}  ${paint(process.stdout, 'bold', incident.about)}`)
  const said = (remark: Incident['closed']): string =>
    remark === null ? '' : `${remark.at} by ${remark.by}${remark.text === '' ? '' : `: ${remark.text}`}`
  const facts = [
    ['state', incident.state],
    ['severity', incident.severity],
    ['root', `${incident.root.rule} on ${incident.root.subject}`],
    ['opened', incident.opened],
    ['decision', incident.decision ?? ''],
    ['owner', incident.owner ?? ''],
    ['acknowledged', said(acknowledged)],
    ['closed', said(closed)],
  ].filter(([, value]) => value !== '')
  printLine(table(facts.map(([name = '', value = '']) => [`  ${name}`, printable(value)])))
  printLine()
  printLine(table(members.slice(0, MAX_MEMBERS).map(memberRow)))
  const more = Math.max(0, members.length - MAX_MEMBERS) + incident.moreMembers
  if (more > 0) printLine(`  and ${more} more; --json has those that are remembered`)
  for (const comment of comments) printLine(`  ${printable(said(comment))}`)
}

function memberRow({ role, rule, subject, reason, left }: IncidentMember): readonly string[] {
  const state =
    left === undefined ? paint(process.stdout, 'red', 'in trouble') : paint(process.stdout, 'green', 'over')
  return [
    `  ${state}`,
    role,
    printable(`${rule} on ${subject}`),
    printable(left === undefined ? reason : left.reason),
  ]
}
