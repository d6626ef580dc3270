import { readFileSync } from 'node:fs'
import { isIP } from 'node:net'
import { InvalidArgumentError, Option, type Command } from 'commander'
import { parseDuration } from '../../model/time.ts'
import { parseCertificate, type Certificate } from '../../pki/certificate.ts'
import { PkiError } from '../../pki/error.ts'
import { decodeCertificates } from '../../pki/pem.ts'
import type { Credential } from '../../probes/fetch/credential.ts'
import { isNetwork } from '../../probes/fetch/follow.ts'
import type { Issuer } from '../../probes/probe.ts'
import { unreadable } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { normalizedSerial } from '../serial.ts'

/** What every kind takes. */
export interface CommonOptions {
  readonly timeout: number
  readonly address: readonly string[]
  readonly allowNetwork: readonly string[]
  readonly json?: true
}

export function common(command: Command): Command {
  return command
    .addOption(
      new Option('--timeout <duration>', 'longest time for everything')
        .argParser(duration)
        .default(10_000, '10s'),
    )
    .addOption(
      new Option(
        '--address <ip>',
        'look at this address of the host, whatever its name says; may be repeated',
      )
        .argParser((text: string, addresses: readonly string[]) => [...addresses, ipAddress(text)])
        .default([], 'all'),
    )
    .addOption(
      new Option(
        '--allow-network <cidr>',
        'follow redirects and URLs in certificates into this network, which is not public; may be repeated',
      )
        .argParser((text: string, networks: readonly string[]) => [...networks, network(text)])
        .default([], 'none'),
    )
    .option('--json', 'print one JSON document')
}

export function withIssuer(command: Command): Command {
  return command.addOption(
    new Option('--issuer <file>', 'issuing CA, PEM or DER; may be repeated')
      .argParser((file: string, files: readonly string[]) => [...files, file])
      .default([], 'none'),
  )
}

export function withSerial(command: Command): Command {
  return command
    .option('--cert <file>', 'the certificate to ask about')
    .option('--serial <hex>', 'or its serial number')
}

export function withStartTls(command: Command): Command {
  return command
    .option('--servername <name>', 'name to ask for and to expect (default: the host)')
    .addOption(
      new Option('--starttls <protocol>', 'what is spoken before TLS').choices(['smtp', 'imap', 'ldap']),
    )
}

export function withClient(command: Command): Command {
  return command
    .option('--client-cert <file>', 'client certificate to show, PEM, with its chain')
    .option('--client-key <file>', 'and its private key, PEM')
}

function duration(text: string): number {
  const ms = parseDuration(text)
  if (ms === undefined || ms === 0) throw new InvalidArgumentError('expected a duration such as 500ms or 10s')
  return ms
}

function network(text: string): string {
  if (isNetwork(text)) return text
  throw new InvalidArgumentError('expected a network such as 10.0.0.0/8')
}

function ipAddress(text: string): string {
  if (isIP(text) !== 0) return text
  throw new InvalidArgumentError('expected an IPv4 or IPv6 address')
}

export function schedule({ timeout }: CommonOptions): { interval: number; timeout: number } {
  return { interval: timeout, timeout }
}

/** A URL of one of these schemes. Throws CommandError(usage). */
export function urlOf(text: string, schemes: readonly string[] = ['http', 'https']): string {
  if (URL.canParse(text) && schemes.some((scheme) => new URL(text).protocol === `${scheme}:`)) return text
  const expected = schemes.map((scheme) => `${scheme}://`)
  const list = new Intl.ListFormat('en', { type: 'disjunction' }).format(expected)
  throw new CommandError(EXIT.usage, `expected an ${list} URL, got ${JSON.stringify(text)}`)
}

/** `shop.example.org:443`, `[2001:db8::1]:443`. Throws CommandError(usage). */
export function endpointOf(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host !== undefined && port <= 65_535) return { host, port }
  throw new CommandError(
    EXIT.usage,
    `expected host:port, with an IPv6 address in brackets, got ${JSON.stringify(text)}`,
  )
}

/** First the authority, then those above it; undefined without any file. Throws CommandError(usage). */
export function readIssuer(files: readonly string[]): Issuer | undefined {
  const [certificate, ...ancestors] = files.flatMap(readCertificates)
  return certificate === undefined ? undefined : { id: 'cli', class: 'online', certificate, ancestors }
}

export function readCertificates(file: string): Certificate[] {
  try {
    return decodeCertificates(readFileSync(file)).map((der) => parseCertificate(der))
  } catch (error) {
    const why = error instanceof PkiError ? `not a certificate: ${error.message}` : unreadable(error)
    throw new CommandError(EXIT.usage, `${file}: ${why}`)
  }
}

/** Throws CommandError(usage). */
export function readSerial({ cert, serial }: { cert?: string; serial?: string }): string {
  if ((cert === undefined) === (serial === undefined))
    throw new CommandError(EXIT.usage, 'give either --cert FILE or --serial HEX')
  return cert === undefined ? hexSerial(serial ?? '') : (readCertificates(cert)[0]?.serial ?? '')
}

/** Throws CommandError(usage). */
export function hexSerial(text: string): string {
  const serial = normalizedSerial(text)
  if (serial !== undefined) return serial
  throw new CommandError(EXIT.usage, `expected a serial number in hex, got ${JSON.stringify(text)}`)
}

/** Throws CommandError(usage). */
export function readClient(options: { clientCert?: string; clientKey?: string }): Credential | undefined {
  const { clientCert, clientKey } = options
  if (clientCert === undefined && clientKey === undefined) return undefined
  if (clientCert === undefined || clientKey === undefined)
    throw new CommandError(EXIT.usage, 'give --client-cert and --client-key together')
  return readCredential(clientCert, clientKey)
}

/** Throws CommandError(usage). */
export function readCredential(certificate: string, key: string): Credential {
  return { certificate: readText(certificate), key: readText(key) }
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandError(EXIT.usage, `${file}: ${unreadable(error)}`)
  }
}
