import { Command, InvalidArgumentError, Option } from 'commander'
import { parseAt } from '../inspect/at.ts'
import type { Kind } from '../inspect/document.ts'
import { inspectFiles, type Options } from '../inspect/run.ts'
import { normalizedSerial } from '../serial.ts'

const HELP = `
FILE is PEM, DER or base64 (plain or URL-safe), or - for standard input. Without --issuer nothing can be valid: the verdict is
"unverified", and what is shown are the object's own claims. --issuer takes the CA that signed, and those above it; it may be given
several times, and one file may hold several.

Examples:
  $ vigil inspect crl issuing-1.crl --issuer issuing-1.pem
  $ vigil inspect crl yesterday.crl today.crl --diff --issuer issuing-1.pem
  $ vigil inspect crl issuing-1.crl --delta issuing-1-delta.crl --serial 0A:1B:2C
  $ vigil inspect cert shop.pem --issuer issuing-1.pem --issuer root.pem --lint
  $ vigil inspect chain fullchain.pem --issuer root.pem --at 2026-12-24T00:00:00Z
  $ curl -s http://crl.example.org/ca.crl | vigil inspect crl - --json

Exit codes: 0 valid, 4 unverified, 1 invalid or malformed or a lint fails, 2 usage, 3 could not be read`

export function inspectCommand(): Command {
  const inspect = new Command('inspect')
    .description('look at a certificate, CRL, OCSP answer or chain: is it valid, and what does it say')
    .addHelpText('afterAll', HELP)
  const looking =
    (kind: Kind) =>
    (files: readonly string[], options: Options): Promise<void> =>
      inspectFiles(kind, files, options)
  inspect.addCommand(
    common('cert', 'certificates, each for itself').addOption(revocation()).action(looking('cert')),
  )
  inspect.addCommand(
    common('crl', 'certificate revocation lists; one of 200 MB is read as it streams by')
      .addOption(new Option('--serial <hex>', 'look up a serial number').argParser(parseSerial))
      .option('--diff', 'compare two lists of a CA, the older first: what was added, removed, and changed')
      .option('--delta <file>', 'apply this delta CRL to the list')
      .action(looking('crl')),
  )
  inspect.addCommand(common('ocsp', 'answers of OCSP responders').action(looking('ocsp')))
  inspect.addCommand(
    common('chain', 'what a server sends, the leaf first, in one file or several')
      .addOption(revocation())
      .action(looking('chain')),
  )
  return inspect
}

function revocation(): Option {
  return repeatable('--crl <file>', 'CRLs to read the revocation of the path from; may be repeated')
}

function repeatable(flags: string, description: string): Option {
  return new Option(flags, description)
    .argParser((file: string, files: readonly string[]) => [...files, file])
    .default([], 'none')
}

function parseSerial(text: string): string {
  const serial = normalizedSerial(text)
  if (serial === undefined) throw new InvalidArgumentError('expected a serial number in hex')
  return serial
}

function common(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .argument('<file...>')
    .addOption(repeatable('--issuer <file>', 'CA to trust, PEM or DER; may be repeated'))
    .addOption(new Option('--at <time>', 'judge as of this time (default: now)').argParser(parseAt))
    .option('--lint', 'check the structure against RFC 5280, RFC 6960 and the TLS Baseline Requirements')
    .option('--ber', 'accept BER where its meaning is clear, instead of DER only')
    .option('--json', 'print one JSON document')
}
