import { printable } from '../terminal.ts'
import type { Discovery, FoundAuthority, FoundService, Place } from './discover.ts'

/** Characters of a comment: what certificates and servers say of themselves is theirs. */
const MAX_COMMENT = 300

/** Where certificates are written, below the directory of vigil.yaml. */
const PKI = 'pki'

export function certificateFile(id: string): string {
  return `${PKI}/${id}.pem`
}

/** vigil.yaml for what was found, with what a person has to decide. */
export function vigilYaml(
  { authorities, services, notes }: Discovery,
  {
    from,
    at,
    networks,
  }: { readonly from: string; readonly at: string; readonly networks: readonly string[] },
): string {
  return `${[
    comment(`Written by vigil init at ${at}, from ${from}.`),
    '# Read it, complete it, then: vigil check-config && vigil run. Every key: docs/configuration.md',
    '',
    '# The name of this vigil in its journal, for ever: choose it before the first run.',
    'origin: vigil.local',
    '# From where it looks.',
    'vantage: default',
    '',
    ...(notes.length === 0
      ? []
      : ['# What could not be found out:', ...notes.map((note) => comment(`- ${note}`)), '']),
    'inventory:',
    '  # Every certification authority, its issuer before it; one without issuer is a trust anchor: be sure that it is yours.',
    ...list('authorities', authorities.map(authorityLines)),
    '  # Every service whose certificate is watched.',
    ...list('services', services.map(serviceLines)),
    '  # CA servers and control planes that say how they are.',
    '  # systems:',
    '  #   - { id: ejbca-1, kind: ejbca, url: http://ca.example.org:8080 }',
    '',
    'probes:',
    '  interval: 60s',
    ...(networks.length === 0
      ? []
      : [
          '  # Networks that are not public, and into which redirects and certificates may lead.',
          `  follow: [${networks.map(quoted).join(', ')}]`,
        ]),
    '',
    'rules:',
    '  # Also: rfc5280-6960, cabf-tls-br, private-trust-zones, crypto-agility, slo … (docs/rules.md)',
    '  packs: [internal-pki, operations]',
    '',
    '# alerts:',
    '#   alertmanager: http://127.0.0.1:9093',
  ].join('\n')}\n`
}

function list(key: string, entries: readonly (readonly string[])[]): string[] {
  if (entries.length === 0) return [`  ${key}: []`]
  return [`  ${key}:`, ...entries.flat().map((line) => `    ${line}`)]
}

function authorityLines(authority: FoundAuthority): string[] {
  const { id, certificate, source, issuer, isOffline, crls, responders, caIssuers } = authority
  return [
    comment(certificate.subject.text),
    comment(`valid until ${day(certificate.notAfter)}; ${source}`),
    `- id: ${id}`,
    // Its CRL comes from a ceremony, and is valid for months.
    ...(isOffline ? ['  class: offline'] : []),
    `  certificate: ${certificateFile(id)}`,
    ...(issuer === undefined ? [] : [`  issuer: ${issuer}`]),
    ...places('crl', crls, ({ url }) => [`- url: ${quoted(url)}`]),
    ...places('ocsp', responders, ({ url, knownGood }) => [
      `- url: ${quoted(url)}`,
      `  certificate: ${certificateFile(knownGood)} # must be good`,
    ]),
    ...places('ca_issuers', caIssuers, ({ url }) => [`- ${quoted(url)}`]),
  ]
}

/** What is not declared stands there as a comment, behind what is. */
function places<P extends Place>(
  key: string,
  all: readonly P[],
  lines: (place: P) => readonly string[],
): string[] {
  const declared = all.filter((place) => place.declared)
  const others = all.filter((place) => !place.declared)
  return [
    ...(declared.length === 0 ? [] : [`  ${key}:`]),
    ...declared.flatMap((place) => [
      `    ${comment(place.seen)}`,
      ...lines(place).map((line) => `    ${line}`),
    ]),
    ...others.map(({ url, seen }) => `  ${comment(`not declared, ${key}: ${url}: ${seen}`)}`),
  ]
}

function serviceLines({ id, endpoint, certificate, issuer }: FoundService): string[] {
  return [
    comment(`${certificate.subject.text}, valid until ${day(certificate.notAfter)}`),
    `- id: ${id}`,
    `  endpoint: ${quoted(endpoint.address)}`,
    ...(endpoint.servername === endpoint.host ? [] : [`  servername: ${quoted(endpoint.servername)}`]),
    `  issuer: ${issuer}`,
    '  # owner: who is told',
    '  # client: { certificate_file: pki/prober.pem, key_file: pki/prober.key } # where it asks for one',
  ]
}

/** JSON's strings are YAML's. */
function quoted(text: string): string {
  return JSON.stringify(text)
}

/** One line, whatever the text holds. */
function comment(text: string): string {
  const one = printable(text.replace(/\s+/g, ' '))
  return `# ${one.length <= MAX_COMMENT ? one : `${one.slice(0, MAX_COMMENT - 1)}…`}`
}

function day(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10)
}
