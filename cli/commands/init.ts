import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import { parseDuration, toTimestamp } from '../../model/time.ts'
import { parseCertificate, type Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import { followPolicy, type FollowPolicy } from '../../probes/fetch/follow.ts'
import { systemNames } from '../../probes/fetch/resolve.ts'
import { unreadable } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { discover, type Discovery, type Endpoint } from '../init/discover.ts'
import { Reach } from '../init/reach.ts'
import { writeConfiguration, type Files } from '../init/write.ts'
import { certificateFile, vigilYaml } from '../init/yaml.ts'
import { printJson, printLine } from '../output.ts'
import { printable, table } from '../terminal.ts'

const HELP = `
Walks from what a service shows, or from a CA's certificate, up to the root: over what was sent and the URLs in certificates. Looks at the CRLs and
responders that certificates name. Certificates lead it only into public networks, and into those of --allow-network.

Examples:
  $ vigil init --from shop.example.org:443 --directory /etc/vigil
  $ vigil init --from 10.1.2.3:8443 --servername api.internal --issuer issuing-1.pem --allow-network 10.0.0.0/8

Exit codes: 0 written, 2 usage or files that are there already, 3 nothing was found that can be watched`

interface Options {
  readonly from: readonly Endpoint[]
  readonly issuer: readonly string[]
  readonly servername?: string
  readonly directory: string
  readonly allowNetwork: readonly string[]
  readonly force?: true
  readonly timeout: number
  readonly json?: true
}

export function initCommand(): Command {
  return new Command('init')
    .description('find out what there is to watch, and write a configuration for it')
    .addOption(
      new Option('--from <host:port>', 'a TLS service; may be repeated')
        .argParser((text: string, before: readonly Endpoint[]) => [...before, endpointOf(text)])
        .default([], 'none'),
    )
    .addOption(
      new Option('--issuer <file>', "a CA's certificate, PEM or DER; may be repeated")
        .argParser((file: string, before: readonly string[]) => [...before, file])
        .default([], 'none'),
    )
    .option('--servername <name>', 'name to ask for, where one service is named (default: the host)')
    .option('-d, --directory <dir>', 'where vigil.yaml and its certificates go', '.')
    .addOption(
      new Option(
        '--allow-network <cidr>',
        'a network that is not public, into which certificates may lead; may be repeated',
      )
        .argParser((text: string, before: readonly string[]) => [...before, text])
        .default([], 'none'),
    )
    .option('--force', 'replace files that are there')
    .addOption(
      new Option('--timeout <duration>', 'longest time for each look')
        .argParser(duration)
        .default(10_000, '10s'),
    )
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action(init)
}

async function init(options: Options): Promise<void> {
  const { directory, allowNetwork, timeout, force, json } = options
  const endpoints = endpointsOf(options)
  const issuers = options.issuer.flatMap((file) =>
    readCertificates(file).map((certificate) => ({ certificate, source: `from ${file}` })),
  )
  if (endpoints.length === 0 && issuers.length === 0)
    throw new CommandError(EXIT.usage, 'give a service with --from HOST:PORT, or a CA with --issuer FILE')
  const now = Date.now()
  const reach = new Reach({
    names: systemNames(),
    follow: policyOf(allowNetwork),
    now: () => now,
    timeout,
    signal: new AbortController().signal,
  })
  const found = await discover({ endpoints, issuers, now, timeout }, reach)
  if (found.authorities.length === 0)
    throw new CommandError(
      EXIT.failed,
      ['nothing was found that can be watched', ...found.notes].join('\n  '),
    )

  const from = [...endpoints.map(({ address }) => address), ...options.issuer].join(', ')
  const text = vigilYaml(found, { from, at: toTimestamp(now), networks: allowNetwork })
  const files = new Map([['vigil.yaml', text], ...certificates(found)])
  writeConfiguration(directory, files, force === true ? 'replace' : 'keep')
  if (json === true) printJson(documentOf(found, directory, files))
  else print(found, directory, files)
}

/** The certificates that vigil.yaml names. */
function certificates({ authorities, services }: Discovery): [string, string][] {
  return [...authorities, ...services].map(({ id, certificate }) => [certificateFile(id), pemOf(certificate)])
}

function pemOf({ der }: Certificate): string {
  const base64 = Buffer.from(der)
    .toString('base64')
    .replace(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${base64}\n-----END CERTIFICATE-----\n`
}

function policyOf(networks: readonly string[]): FollowPolicy {
  try {
    return followPolicy({ networks, declared: [] })
  } catch (error) {
    if (error instanceof RangeError) throw new CommandError(EXIT.usage, error.message)
    throw error
  }
}

function endpointOf(text: string): Endpoint {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  const isLiteral = match?.[1] === undefined || isIP(match[1]) === 6
  if (host === undefined || port > 65_535 || !isLiteral || text.includes('$'))
    throw new InvalidArgumentError('expected host:port, with an IPv6 address in brackets')
  return { address: text, host, port, servername: host }
}

function endpointsOf({ from, servername }: Options): readonly Endpoint[] {
  if (servername === undefined) return from
  const [only, ...others] = from
  if (only === undefined || others.length > 0)
    throw new CommandError(EXIT.usage, '--servername is about one service: give --from once')
  return [{ ...only, servername }]
}

function readCertificates(file: string): readonly Certificate[] {
  try {
    return decodeCertificates(readFileSync(file)).map((der) => parseCertificate(der))
  } catch (error) {
    const why = error instanceof PkiError ? `not a certificate: ${error.message}` : unreadable(error)
    throw new CommandError(EXIT.usage, `${file}: ${why}`)
  }
}

function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms === 0) throw new InvalidArgumentError('expected a duration such as 500ms or 10s')
  return ms
}

function print({ authorities, services, notes }: Discovery, directory: string, files: Files): void {
  const rows = [
    ...authorities.map(({ id, certificate, issuer }) => [
      id,
      issuer === undefined ? 'trust anchor' : `below ${issuer}`,
      printable(certificate.subject.text),
    ]),
    ...services.map(({ id, certificate, issuer }) => [
      id,
      `of ${issuer}`,
      printable(certificate.subject.text),
    ]),
  ]
  printLine(table(rows))
  for (const note of notes) printLine(`note: ${printable(note)}`)
  const file = join(directory, 'vigil.yaml')
  printLine(`${file} and ${files.size - 1} certificates were written. Read them; then:`)
  printLine(`  vigil run -c ${file}`)
}

function documentOf({ authorities, services, notes }: Discovery, directory: string, files: Files): unknown {
  return {
    directory,
    files: [...files.keys()],
    authorities: authorities.map(({ id, issuer, certificate, source }) => ({
      id,
      ...(issuer === undefined ? {} : { issuer }),
      subject: certificate.subject.text,
      sha256: certificate.sha256,
      source,
    })),
    services: services.map(({ id, endpoint, issuer, certificate }) => ({
      id,
      endpoint: endpoint.address,
      issuer,
      subject: certificate.subject.text,
      sha256: certificate.sha256,
    })),
    notes,
  }
}
