import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import type { LabCommand } from '../../lab/client.ts'
import type { LabStatus } from '../../lab/control.ts'
import { CommandError, EXIT } from '../exit.ts'
import { printJson, printLine } from '../output.ts'
import { firstSignal } from '../signals.ts'
import { paint, table } from '../terminal.ts'

const HELP = `
The lab is a small real PKI on loopback: a root, three issuing CAs with CRLs and OCSP responders, another one with two clones,
four TLS services, audit logs and a control plane.
"vigil demo" starts one with a monitor beside it; "lab start" starts one alone, with a vigil.yaml to watch it.

Examples:
  $ vigil lab start --dir lab
  $ vigil lab start --addresses 127.0.0.1,127.0.0.2
  $ vigil lab status
  $ vigil lab break crl-stale --ca issuing-1
  $ vigil lab break revoked-served --service shop
  $ vigil lab break log-signed-line-changed --ca devices
  $ vigil lab repair crl-stale --ca issuing-1`

interface SwitchOptions {
  readonly ca?: string
  readonly service?: string
  readonly dir?: string
  readonly json?: true
}

export function labCommand(): Command {
  const lab = new Command('lab')
    .description('the PKI in miniature: start it, break it, repair it')
    .addHelpText('afterAll', HELP)
  lab.addCommand(
    withOutput(
      new Command('start').description(
        'run a lab until SIGINT or SIGTERM, and write a vigil.yaml that watches it',
      ),
      'a new temporary one',
    )
      .addOption(
        new Option(
          '--addresses <list>',
          'of this machine, where every server listens: nodes behind names, one of which a fault can be on (default: 127.0.0.1, without names)',
        ).argParser((list: string) => list.split(',')),
      )
      .action(start),
  )
  lab.addCommand(
    withOutput(new Command('status').description('what can be broken, and what is broken now')).action(
      status,
    ),
  )
  for (const command of ['break', 'repair'] as const) {
    lab.addCommand(
      withOutput(
        new Command(command)
          .description(`switch a fault ${command === 'break' ? 'on' : 'off'}`)
          .argument('<fault>'),
      )
        .option('--ca <id>', 'the authority')
        .option('--service <id>', 'the service')
        .action((fault: string, options: SwitchOptions) => toggle(command, fault, options)),
    )
  }
  return lab
}

function withOutput(command: Command, directory = 'the lab that you started last'): Command {
  return command
    .option('--dir <dir>', `the lab's directory (default: ${directory})`)
    .addOption(new Option('--json', 'print one JSON document'))
}

async function start(options: { dir?: string; json?: true; addresses?: readonly string[] }): Promise<void> {
  const { startLab } = await import('../../lab/lab.ts')
  const { userStateFile } = await import('../../lab/state.ts')
  const { writeVigilYaml } = await import('../../lab/vigilYaml.ts')
  const directory = options.dir ?? mkdtempSync(join(tmpdir(), 'vigil-lab-'))
  await using cleanup = new AsyncDisposableStack()
  // A directory that nobody named is nobody's to clean up.
  if (options.dir === undefined) cleanup.defer(() => rmSync(directory, { recursive: true, force: true }))
  const { addresses } = options
  const running = cleanup.use(
    await startLab({
      directory,
      now: Date.now,
      userStateFile: userStateFile(),
      ...(addresses === undefined ? {} : { addresses }),
    }),
  )
  const config = await writeVigilYaml(running, {
    directory,
    origin: 'vigil.lab',
    controlPlaneLog: 'watched',
    remediation: {
      policies: [
        { rule: 'crl_freshness_ok', action: 'reissue_crl' },
        { rule: 'cert_lifetime_threshold', action: 'rotate_certificate' },
      ],
    },
  })
  if (options.json === true) printJson({ ...running.status(), config })
  else
    printLine(
      `The lab runs in ${directory}.\nWatch it: vigil run -c ${config}\nBreak it: vigil lab break crl-stale --ca issuing-1`,
    )
  await firstSignal()
}

async function status(options: SwitchOptions): Promise<void> {
  const now = await talk(options, { command: 'status' })
  if (options.json === true) printJson(now)
  else printStatus(now)
}

async function toggle(command: 'break' | 'repair', fault: string, options: SwitchOptions): Promise<void> {
  const target = options.ca ?? options.service
  if (target === undefined || (options.ca !== undefined && options.service !== undefined))
    throw new CommandError(EXIT.usage, `expected --ca or --service: ${command} what?`)
  const now = await talk(options, { command, fault, target })
  if (options.json === true) printJson(now)
  else printLine(now.active.length === 0 ? 'Nothing is broken.' : table(now.active.map(brokenRow)))
}

async function talk(options: SwitchOptions, command: LabCommand): Promise<LabStatus> {
  const { labRequest, readLabState } = await import('../../lab/client.ts')
  const { LabError } = await import('../../lab/error.ts')
  try {
    return await labRequest(await readLabState(options.dir), command)
  } catch (error) {
    if (!(error instanceof LabError)) throw error
    const hint =
      error.code === 'not_running'
        ? ': start one with "vigil demo" or "vigil lab start", or name its directory with --dir'
        : ''
    throw new CommandError(error.code === 'not_running' ? EXIT.failed : EXIT.usage, `${error.message}${hint}`)
  }
}

type Fault = LabStatus['faults'][number]

const GROUP_TITLES: Readonly<Record<Fault['group'], string>> = {
  crl: 'CRLs themselves',
  delivery: 'Distribution points',
  ocsp: 'OCSP responders',
  tls: 'Services',
  authority: 'Certificates of CAs',
  log: 'The audit log',
  reconciliation: 'The audit log beside what is published',
  control: 'The control plane',
}

function printStatus(now: LabStatus): void {
  const { directory, authorities, services, faults } = now
  printLine(`Lab in ${directory}; authorities: ${authorities.join(', ')}; services: ${services.join(', ')}`)
  const groups = [...Map.groupBy(faults, ({ group }) => group)]
  const sections = groups.flatMap(([group, own]) => [
    [paint(process.stdout, 'bold', GROUP_TITLES[group])],
    ...own.map((fault) => faultRow(fault, now)),
  ])
  printLine(table(sections))
}

function faultRow({ id, title, target }: Fault, { active }: LabStatus): string[] {
  const broken = active.filter((a) => a.fault === id).map((a) => a.target)
  const state =
    broken.length === 0
      ? paint(process.stdout, 'dim', 'off')
      : paint(process.stdout, 'red', `on: ${broken.join(', ')}`)
  return [`  ${id}`, target === 'service' ? '--service' : '--ca', state, title]
}

function brokenRow({ fault, target, since }: LabStatus['active'][number]): string[] {
  return [paint(process.stdout, 'red', fault), target, `since ${since}`]
}
