import type { Certificate } from '../../pki/certificate.ts'
import type { ReadCrl } from '../../pki/crl.ts'
import { CERTIFICATE_LINTS, lintCertificate } from '../../pki/lints/certificate.ts'
import { CRL_LINTS, lintCrl } from '../../pki/lints/crl.ts'
import type { LintResult, LintSource } from '../../pki/lints/lint.ts'
import { OCSP_LINTS, lintOcsp } from '../../pki/lints/ocsp.ts'
import type { OcspResponse } from '../../pki/ocspResponse.ts'
import type { LintFinding } from './document.ts'

type LintTable = readonly { readonly id: string; readonly source: LintSource }[]

const CERTIFICATE_SOURCES = sourcesOf(CERTIFICATE_LINTS)
const CRL_SOURCES = sourcesOf(CRL_LINTS)
const OCSP_SOURCES = sourcesOf(OCSP_LINTS)

// Only what fails is told; `issuer` is compared with where a lint does that.

export function certificateLints(certificate: Certificate, issuer: Certificate | undefined): LintFinding[] {
  return findings(lintCertificate(certificate, { issuer }), CERTIFICATE_SOURCES)
}

export function crlLints(crl: ReadCrl, issuer: Certificate | undefined): LintFinding[] {
  return findings(lintCrl(crl, { issuer }), CRL_SOURCES)
}

export function ocspLints(response: OcspResponse, issuer: Certificate | undefined): LintFinding[] {
  return findings(lintOcsp(response, { issuer }), OCSP_SOURCES)
}

function findings(results: readonly LintResult[], sources: ReadonlyMap<string, string>): LintFinding[] {
  return results.flatMap(({ id, outcome, message = '' }) =>
    outcome === 'fail' ? [{ id, source: sources.get(id) ?? '', message }] : [],
  )
}

function sourcesOf(table: LintTable): ReadonlyMap<string, string> {
  return new Map(table.map(({ id, source }) => [id, sourceText(source)]))
}

/** `RFC 5280 4.1.2.5`, `CA/Browser Forum TLS BR 2.2.6 7.1.2.7`. */
function sourceText({ document, version, section }: LintSource): string {
  return [document, version, section].filter((part) => part !== undefined).join(' ')
}
