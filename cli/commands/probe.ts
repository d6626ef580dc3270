import { Command, InvalidArgumentError, Option } from 'commander'
import { SYSTEM_KINDS, type SystemKind } from '../../model/config.ts'
import type { StartTlsProtocol } from '../../probes/fetch/startTls.ts'
import { CASES, type CredentialName, type Credentials } from '../../probes/mtls/cases.ts'
import { CommandError, EXIT } from '../exit.ts'
import { look } from '../probe/look.ts'
import {
  common,
  endpointOf,
  hexSerial,
  readCertificates,
  readClient,
  readCredential,
  readIssuer,
  readSerial,
  schedule,
  urlOf,
  withClient,
  withIssuer,
  withSerial,
  withStartTls,
  type CommonOptions,
} from '../probe/options.ts'

const HELP = `
Examples:
  $ vigil probe crl http://crl.example.org/issuing-1.crl --issuer issuing-1.pem
  $ vigil probe crl http://crl.example.org/issuing-1.crl --issuer issuing-1.pem --address 10.0.0.7   one node of several
  $ vigil probe ocsp http://ocsp.example.org --issuer issuing-1.pem --cert shop.pem
  $ vigil probe ocsp-matrix http://ocsp.example.org --issuer issuing-1.pem --cert shop.pem
  $ vigil probe tls shop.example.org:443 --issuer issuing-1.pem --issuer root.pem --json
  $ vigil probe tls mail.example.org:25 --starttls smtp --issuer issuing-1.pem --issuer root.pem
  $ vigil probe mtls payments.example.org:8443 --credential valid=prober.pem,prober.key
  $ vigil probe ca issuing-1.pem --issuer root.pem --url http://aia.example.org/issuing-1.cer
  $ vigil probe health ejbca https://ca.example.org:8443

--issuer: first the CA that signed, then those above it; the last one is the trust anchor. One file may hold several.
What is compared with earlier runs (vanished entries, a renewal that is not served) only a running vigil sees.
Exit codes: 0 fine, 1 the target is not as it must be, 2 usage, 3 could not be done`

export function probeCommand(): Command {
  const probe = new Command('probe')
    .description('look at one target now, without any configuration')
    .addHelpText('afterAll', HELP)
  for (const command of [crl(), ocsp(), ocspMatrix(), tls(), mtls(), ca(), health()])
    probe.addCommand(common(command))
  return probe
}

interface IssuerOption extends CommonOptions {
  readonly issuer: readonly string[]
}

interface SerialOptions extends IssuerOption {
  readonly cert?: string
  readonly serial?: string
}

interface EndpointOptions extends CommonOptions {
  readonly servername?: string
  readonly starttls?: StartTlsProtocol
}

interface ClientOptions {
  readonly clientCert?: string
  readonly clientKey?: string
}

function crl(): Command {
  const command = new Command('crl').description('fetch a CRL and verify it').argument('<url>')
  return withIssuer(command).action((url: string, options: IssuerOption) =>
    look(options, {
      probe: 'crl',
      subject: 'ca_crl[cli]',
      address: url,
      url: urlOf(url, ['http', 'https', 'ldap', 'ldaps', 'file']),
      issuer: readIssuer(options.issuer),
      fullEvery: 0,
      distribution: undefined,
      issued: [],
      ...schedule(options),
    }),
  )
}

function ocsp(): Command {
  const command = new Command('ocsp')
    .description('ask a responder about one certificate, and verify the answer')
    .argument('<url>')
  return withSerial(withIssuer(command)).action((url: string, options: SerialOptions) =>
    look(options, {
      probe: 'ocsp',
      subject: 'ocsp_responder_status[cli]',
      address: url,
      ...responder(url, options),
      ...schedule(options),
    }),
  )
}

function ocspMatrix(): Command {
  const command = new Command('ocsp-matrix')
    .description('ask a responder the same in every way, and compare what it answers')
    .argument('<url>')
    .option('--revoked <hex>', 'serial number of a certificate that is revoked')
  return withSerial(withIssuer(command)).action(
    (url: string, options: SerialOptions & { readonly revoked?: string }) =>
      look(options, {
        probe: 'ocsp_matrix',
        subject: 'ocsp_responder_status[cli]',
        address: url,
        ...responder(url, options),
        revoked: options.revoked === undefined ? undefined : hexSerial(options.revoked),
        services: [],
        ...schedule(options),
      }),
  )
}

function responder(url: string, options: SerialOptions) {
  const issuer = readIssuer(options.issuer)
  if (issuer === undefined)
    throw new CommandError(EXIT.usage, 'an OCSP request names the issuer: give --issuer FILE')
  return { url: urlOf(url), issuer, serial: readSerial(options) }
}

function tls(): Command {
  const command = new Command('tls')
    .description('handshake, and verify what is served')
    .argument('<host:port>')
  return withClient(withStartTls(withIssuer(command))).action(
    (endpoint: string, options: IssuerOption & EndpointOptions & ClientOptions) =>
      look(options, {
        probe: 'tls',
        ...service(endpoint, options),
        issuer: readIssuer(options.issuer),
        ocspUrl: undefined,
        locations: undefined,
        certificateFile: undefined,
        client: readClient(options),
      }),
  )
}

function mtls(): Command {
  const command = new Command('mtls')
    .description(
      'does a service demand the client certificates that it must: asks without, and with wrong ones',
    )
    .argument('<host:port>')
    .addOption(
      new Option(
        '--credential <name=cert,key>',
        `a certificate to ask with (${CREDENTIALS.join(', ')}) and its key, PEM; may be repeated`,
      )
        .argParser(credential)
        .default({}, 'foreign and selfSigned are made'),
    )
    .option('--path <path>', 'what is asked for where the service speaks HTTP', '/')
  return withStartTls(command).action(
    (
      endpoint: string,
      options: EndpointOptions & { readonly credential: Credentials; readonly path: string },
    ) =>
      look(options, {
        probe: 'mtls',
        ...service(endpoint, options),
        path: options.path,
        credentials: options.credential,
      }),
  )
}

function service(endpoint: string, options: EndpointOptions) {
  const { host, port } = endpointOf(endpoint)
  return {
    subject: 'service_tls_health[cli,cli]',
    address: endpoint,
    host,
    port,
    servername: options.servername ?? host,
    startTls: options.starttls,
    service: undefined,
    ...schedule(options),
  }
}

const CREDENTIALS = CASES.filter((name): name is CredentialName => name !== 'without')

function credential(text: string, others: Credentials): Credentials {
  const [, given, certificate, key] = /^([A-Za-z]+)=([^,]+),(.+)$/.exec(text) ?? []
  const name = CREDENTIALS.find((known) => known === given)
  if (name === undefined || certificate === undefined || key === undefined)
    throw new InvalidArgumentError(`expected NAME=CERT,KEY with one of ${CREDENTIALS.join(', ')}`)
  return { ...others, [name]: readCredential(certificate, key) }
}

function ca(): Command {
  const command = new Command('ca')
    .description("judge an authority's own certificate, and what is published in its place")
    .argument('<file>', 'the certificate, PEM or DER')
    .addOption(
      new Option('--url <url>', 'where it is published; may be repeated')
        .argParser((url: string, urls: readonly string[]) => [...urls, urlOf(url)])
        .default([], 'none'),
    )
  return withIssuer(command).action(
    (file: string, options: IssuerOption & { readonly url: readonly string[] }) => {
      const [certificate, ...more] = readCertificates(file)
      if (certificate === undefined) throw new CommandError(EXIT.usage, `${file}: holds no certificate`)
      const ancestors = [...more, ...options.issuer.flatMap(readCertificates)]
      return look(options, {
        probe: 'ca',
        subject: 'intermediate_ca_cert[cli]',
        address: file,
        issuer: { id: 'cli', class: 'online', certificate, ancestors },
        urls: options.url,
        named: [],
        ...schedule(options),
      })
    },
  )
}

function health(): Command {
  const command = new Command('health')
    .description('ask a CA server or a control plane for its health')
    .argument('<system>', SYSTEM_KINDS.join(', '))
    .argument('<url>')
    .option('--ca-file <file>', 'CA certificate that an https server may lead to, beside the usual roots')
  return withClient(command).action(
    (system: string, url: string, options: CommonOptions & ClientOptions & { readonly caFile?: string }) =>
      look(options, {
        probe: 'health',
        subject: 'ca_server[cli]',
        address: url,
        system: systemKind(system),
        url: urlOf(url),
        anchor: options.caFile === undefined ? undefined : readCertificates(options.caFile)[0],
        client: readClient(options),
        ...schedule(options),
      }),
  )
}

function systemKind(text: string): SystemKind {
  const kind = SYSTEM_KINDS.find((known) => known === text)
  if (kind !== undefined) return kind
  throw new CommandError(
    EXIT.usage,
    `expected one of ${SYSTEM_KINDS.join(', ')}, got ${JSON.stringify(text)}`,
  )
}
