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
The lab is a small real PKI on loopback: a root, two issuing CAs, CRLs, OCSP responders, four TLS services, an audit log and a control plane.
"vigil demo" starts one with a monitor beside it; "lab start" starts one alone, with a vigil.yaml to watch it.

Examples:
  $ vigil lab start --dir lab
  $ vigil lab status
  $ vigil lab break crl-stale --ca issuing-1
  $ vigil lab break revoked-served --service shop
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
    ).action(start),
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

async function start(options: { dir?: string; json?: true }): Promise<void> {
  const { startLab } = await import('../../lab/lab.ts')
  const { userStateFile } = await import('../../lab/state.ts')
  const { writeVigilYaml } = await import('../../lab/vigilYaml.ts')
  const directory = options.dir ?? mkdtempSync(join(tmpdir(), 'vigil-lab-'))
  await using cleanup = new AsyncDisposableStack()
  // A directory that nobody named is nobody's to clean up.
  if (options.dir === undefined) cleanup.defer(() => rmSync(directory, { recursive: true, force: true }))
  const running = cleanup.use(await startLab({ directory, now: Date.now, userStateFile: userStateFile() }))
  const config = await writeVigilYaml(running, {
    directory,
    origin: 'vigil.lab',
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
  print(await talk(options, { command: 'status' }), options)
}

async function toggle(command: 'break' | 'repair', fault: string, options: SwitchOptions): Promise<void> {
  const target = options.ca ?? options.service
  if (target === undefined || (options.ca !== undefined && options.service !== undefined))
    throw new CommandError(EXIT.usage, `expected --ca or --service: ${command} what?`)
  print(await talk(options, { command, fault, target }), options)
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

function print(now: LabStatus, { json }: SwitchOptions): void {
  if (json === true) {
    printJson(now)
    return
  }
  printLine(
    `Lab in ${now.directory}; authorities: ${now.authorities.join(', ')}; services: ${now.services.join(', ')}`,
  )
  printLine(
    table(
      now.faults.map(({ id, title, target }) => {
        const active = now.active.filter((a) => a.fault === id).map((a) => a.target)
        const state =
          active.length === 0
            ? paint(process.stdout, 'dim', 'off')
            : paint(process.stdout, 'red', `on: ${active.join(', ')}`)
        return [`  ${id}`, target === 'ca' ? '--ca' : '--service', title, state]
      }),
    ),
  )
}
