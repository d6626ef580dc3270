import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { ProbeResult } from '../../model/observation.ts'
import { parseDuration } from '../../model/time.ts'
import { parseCertificate, type Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { Delegations } from '../../pki/ocspSigner.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import { followPolicy, isNetwork } from '../../probes/fetch/follow.ts'
import { systemNames } from '../../probes/fetch/resolve.ts'
import { RecordedMemory } from '../../probes/memory.ts'
import type { Issuer, Target } from '../../probes/probe.ts'
import { runProbe } from '../../probes/table.ts'
import { hostOf } from '../../probes/targets.ts'
import { unreadable } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { printJson, printLine } from '../output.ts'
import { normalizedSerial } from '../serial.ts'
import { humanDuration, paint, printable, table } from '../terminal.ts'

interface Options {
  readonly issuer: readonly string[]
  readonly cert?: string
  readonly serial?: string
  readonly servername?: string
  readonly timeout: number
  readonly allowNetwork: readonly string[]
  readonly json?: true
}

/** Largest CRL that a single look reads: 1 GiB. */
const MAX_SIZE = 1024 * 1024 * 1024

const HELP = `
Examples:
  $ vigil probe crl http://crl.example.org/issuing-1.crl --issuer issuing-1.pem
  $ vigil probe ocsp http://ocsp.example.org --issuer issuing-1.pem --cert shop.pem
  $ vigil probe tls shop.example.org:443 --issuer issuing-1.pem --issuer root.pem --json

--issuer: first the CA that signed, then those above it; the last one is the trust anchor. One file may hold several.
Exit codes: 0 fine, 1 the target is not as it must be, 2 usage, 3 could not be done`

export function probeCommand(): Command {
  const probe = new Command('probe')
    .description('look at one target now, without any configuration')
    .addHelpText('afterAll', HELP)
  probe.addCommand(
    common(new Command('crl').description('fetch a CRL and verify it').argument('<url>')).action(
      (url: string, options: Options) =>
        look(options, {
          probe: 'crl',
          subject: 'ca_crl[cli]',
          address: url,
          url: httpUrl(url),
          issuer: readIssuer(options.issuer),
          fullEvery: 0,
          distribution: undefined,
          issued: [],
          ...schedule(options),
        }),
    ),
  )
  probe.addCommand(
    common(
      new Command('ocsp')
        .description('ask a responder about one certificate, and verify the answer')
        .argument('<url>'),
    )
      .option('--cert <file>', 'the certificate to ask about')
      .option('--serial <hex>', 'or its serial number')
      .action((url: string, options: Options) => {
        const issuer = readIssuer(options.issuer)
        if (issuer === undefined)
          throw new CommandError(EXIT.usage, 'an OCSP request names the issuer: give --issuer FILE')
        return look(options, {
          probe: 'ocsp',
          subject: 'ocsp_responder_status[cli]',
          address: url,
          url: httpUrl(url),
          issuer,
          serial: readSerial(options),
          ...schedule(options),
        })
      }),
  )
  probe.addCommand(
    common(new Command('tls').description('handshake, and verify what is served').argument('<host:port>'))
      .option('--servername <name>', 'name to ask for and to expect (default: the host)')
      .action((endpoint: string, options: Options) => look(options, tlsTarget(endpoint, options))),
  )
  return probe
}

function common(command: Command): Command {
  return command
    .addOption(
      new Option('--issuer <file>', 'issuing CA, PEM or DER; may be repeated')
        .argParser((file: string, files: readonly string[]) => [...files, file])
        .default([], 'none'),
    )
    .addOption(
      new Option('--timeout <duration>', 'longest time for everything')
        .argParser(duration)
        .default(10_000, '10s'),
    )
    .addOption(
      new Option(
        '--allow-network <cidr>',
        'follow redirects into this network, which is not public; may be repeated',
      )
        .argParser((text: string, networks: readonly string[]) => [...networks, network(text)])
        .default([], 'none'),
    )
    .option('--json', 'print one JSON document')
}

function network(text: string): string {
  if (isNetwork(text)) return text
  throw new InvalidArgumentError('expected a network such as 10.0.0.0/8')
}

function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms === 0) throw new InvalidArgumentError('expected a duration such as 500ms or 10s')
  return ms
}

function schedule({ timeout }: Options): { interval: number; timeout: number } {
  return { interval: timeout, timeout }
}

function httpUrl(text: string): string {
  if (URL.canParse(text) && /^https?:$/.test(new URL(text).protocol)) return text
  throw new CommandError(EXIT.usage, `expected an http:// or https:// URL, got ${JSON.stringify(text)}`)
}

function tlsTarget(endpoint: string, options: Options): Target {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(endpoint)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535)
    throw new CommandError(
      EXIT.usage,
      `expected host:port, with an IPv6 address in brackets, got ${JSON.stringify(endpoint)}`,
    )
  return {
    probe: 'tls',
    subject: 'service_tls_health[cli,cli]',
    address: endpoint,
    host,
    port,
    servername: options.servername ?? host,
    startTls: undefined,
    service: undefined,
    issuer: readIssuer(options.issuer),
    ocspUrl: undefined,
    locations: undefined,
    certificateFile: undefined,
    client: undefined,
    ...schedule(options),
  }
}

function readIssuer(files: readonly string[]): Issuer | undefined {
  const [certificate, ...ancestors] = files.flatMap(readCertificates)
  return certificate === undefined ? undefined : { id: 'cli', class: 'online', certificate, ancestors }
}

function readCertificates(file: string): Certificate[] {
  try {
    return decodeCertificates(readFileSync(file)).map((der) => parseCertificate(der))
  } catch (error) {
    const why = error instanceof PkiError ? `not a certificate: ${error.message}` : unreadable(error)
    throw new CommandError(EXIT.usage, `${file}: ${why}`)
  }
}

function readSerial({ cert, serial }: Options): string {
  if ((cert === undefined) === (serial === undefined))
    throw new CommandError(EXIT.usage, 'give either --cert FILE or --serial HEX')
  if (cert !== undefined) return readCertificates(cert)[0]?.serial ?? ''
  const normalized = serial === undefined ? undefined : normalizedSerial(serial)
  if (normalized === undefined)
    throw new CommandError(EXIT.usage, `expected a serial number in hex, got ${JSON.stringify(serial)}`)
  return normalized
}

async function look(options: Options, target: Target): Promise<void> {
  const result = await runProbe(target, {
    now: Date.now,
    vantage: 'cli',
    maxSize: MAX_SIZE,
    random: randomBytes,
    delegations: new Delegations(),
    names: systemNames(),
    follow: followPolicy({ networks: options.allowNetwork, declared: [hostOf(target)] }),
    memory: new RecordedMemory([]),
    artifact: () => Promise.resolve(undefined),
    signal: new AbortController().signal,
  })
  if (options.json === true) printJson(document(result, target))
  else print(result, target)
  process.exitCode = result.observation.outcome === 'success' ? EXIT.ok : EXIT.findings
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
    verified: isVerified(target),
    ...(error === undefined ? {} : { error }),
    facts,
    artifacts,
  }
}

/** What no certification authority signs is as good as it gets. */
function isVerified(target: Target): boolean {
  return !('issuer' in target) || target.issuer !== undefined
}

function print({ observation }: ProbeResult, target: Target): void {
  const { outcome, error, facts, duration: ms } = observation
  const verdict =
    outcome === 'success' ? paint(process.stdout, 'green', 'fine') : paint(process.stdout, 'red', 'FAILED')
  printLine(`${observation.target}: ${verdict} (${humanDuration(ms)})`)
  if (error !== undefined)
    printLine(
      `  ${paint(process.stdout, 'red', `${error.phase}: ${error.code}`)}: ${printable(error.message)}`,
    )
  if (!isVerified(target))
    printLine(paint(process.stdout, 'yellow', '  not verified: give the issuing CA with --issuer'))
  const rows = Object.entries(facts).flatMap(([group, values]) =>
    group === 'authority' || group === 'service'
      ? []
      : Object.entries(values).map(([name, value]) => [`  ${group}.${name}`, printable(factText(value))]),
  )
  if (rows.length > 0) printLine(table(rows))
}

function factText(value: unknown): string {
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(value)) {
    const ms = Date.parse(value) - Date.now()
    return `${value} (${ms < 0 ? `${humanDuration(-ms)} ago` : `in ${humanDuration(ms)}`})`
  }
  return Array.isArray(value) ? value.join(', ') : String(value)
}
