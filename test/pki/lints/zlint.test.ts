import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parseCrl } from '../../../pki/crl.ts'
import type { Crl, IndexedCrl } from '../../../pki/crl.ts'
import { PkiError } from '../../../pki/error.ts'
import { lintCrl } from '../../../pki/lints/crl.ts'
import type { LintOutcome, LintResult } from '../../../pki/lints/lint.ts'
import { lintOcsp } from '../../../pki/lints/ocsp.ts'
import { parseOcspResponse } from '../../../pki/ocsp.ts'
import { decodePem } from '../../../pki/pem.ts'

// zlint's own test data (test/fixtures/zlint-crl), with zlint's outcome for each of its lints.

type Outcome = 'Pass' | 'Error' | 'Warn' | 'Notice' | 'NE' | 'NA'

/** Which of our lints say what zlint's says: with `Error` and with `Warn`. */
interface Counterpart {
  readonly error?: readonly string[]
  readonly warn?: readonly string[]
}

/**
 * zlint's two lints of one name are told apart by the file that they come from. zlint calls a CRL without a number out of range, and puts
 * the criticality and the choice of extensions into one lint.
 */
const COUNTERPARTS: Readonly<Record<string, Counterpart>> = {
  'cabf_br/e_cab_crl_reason_code_not_critical': { error: ['crl_entry_reason_code_not_critical'] },
  'cabf_br/e_cab_crl_has_valid_reason_code': { error: ['crl_entry_reason_code_baseline'] },
  'cabf_br/e_crl_auth_key_id_only_contains_keyid': { error: ['crl_authority_key_id_only_key_id'] },
  'cabf_br/e_crl_extensions_validity': {
    error: ['crl_authority_key_id_not_critical', 'crl_number_not_critical'],
    warn: ['crl_extensions_recommended'],
  },
  'cabf_br/e_crl_number_out_of_range': { error: ['crl_number_present', 'crl_number_range'] },
  'community/e_crl_no_duplicate_extensions': { error: ['crl_extensions_unique'] },
  'community/e_crl_revocation_date_too_early': { error: ['crl_entry_date_plausible'] },
  'community/e_crl_revoked_certificate_crl_entry_has_no_duplicate_extensions': {
    error: ['crl_entry_extensions_unique'],
  },
  'community/e_crl_unique_revoked_certificate': { warn: ['crl_entry_serials_unique'] },
  'rfc/e_crl_empty_revoked_certificates': { error: ['crl_entries_not_empty_list'] },
  'rfc/e_crl_has_authority_key_identifier': { error: ['crl_authority_key_id_present'] },
  'rfc/e_crl_has_next_update': { error: ['crl_next_update_present'] },
  'rfc/e_crl_missing_crl_number': { error: ['crl_number_present'] },
  'rfc/e_crl_revocation_time_after_this_update': { error: ['crl_entry_date_not_after_this_update'] },
  'rfc/e_crl_revoked_certificates_field_must_be_empty': { error: ['crl_entries_not_empty_list'] },
  'rfc/e_crl_sigalgo_missing_null_params': { error: ['crl_rsa_parameters_null'] },
  'rfc/e_crl_has_valid_reason_code': {
    error: ['crl_entry_reason_code_defined'],
    warn: ['crl_entry_reason_code_not_unspecified'],
  },
  'rfc/e_this_update_not_after_produced_at': { error: ['ocsp_this_update_not_after_produced_at'] },
}

/** A threshold, which is no lint here: rule packs compare the same two facts. Judged below by what they see. */
const THRESHOLD = 'cabf_br/e_crl_next_update_invalid'

/** Files that are not DER, or break what the reader demands of every CRL; they are read with the switch for BER. Why they are refused without. */
const NEED_BER: Readonly<Record<string, string>> = {
  // Revocation dates, or thisUpdate, of year 1: Go's zero time.
  'crlReasonCodeCrit.pem': 'bad_time',
  'crlThisUpdate20230505.pem': 'bad_time',
  'crlWithDuplicatesInRevokedCertificateList.pem': 'bad_time',
  'crlWithNoDuplicatesInRevokedCertificateList.pem': 'bad_time',
  'crlWithReasonCode0.pem': 'bad_time',
  'crlWithReasonCode2.pem': 'bad_time',
  'crlWithReasonCode5.pem': 'bad_time',
  'crlWithReasonCode7.pem': 'bad_time',
  'crl_revocation_date_too_early.pem': 'bad_time',
  // UTCTime with the offset +0100.
  'crlWithAuthKeyID.pem': 'bad_time',
  'crlWithDuplicatesInCRLEntryExtensions.pem': 'bad_time',
  'crlWithMissingAuthKeyID.pem': 'bad_time',
  'crlWithNoDuplicateInCRLEntryExtensions.pem': 'bad_time',
  'crl_no_duplicate_ext.pem': 'bad_time',
  'crl_with_duplicate_ext.pem': 'bad_time',
  // A negative CRL number.
  'crl_number_negative.pem': 'bad_value',
}

const FIXTURES = new URL('../../fixtures/zlint-crl/', import.meta.url)

interface Case {
  readonly file: string
  readonly kind: string
  readonly lint: string
  readonly outcome: Outcome
}

const CASES: readonly Case[] = readFileSync(new URL('index.tsv', FIXTURES), 'utf8')
  .trim()
  .split('\n')
  .slice(1)
  .map((row) => {
    const [file = '', kind = '', , expected = '', , source = ''] = row.split('\t')
    const [name = '', outcome = ''] = expected.split('=')
    const folder = /v3\/lints\/(\w+)\//.exec(source)?.[1] ?? ''
    assert.ok(isOutcome(outcome), row)
    return { file: file.replace('data/', ''), kind, lint: `${folder}/${name}`, outcome }
  })

function isOutcome(text: string): text is Outcome {
  return ['Pass', 'Error', 'Warn', 'Notice', 'NE', 'NA'].includes(text)
}

function crlOf(file: string): IndexedCrl {
  const [block] = decodePem(readFileSync(new URL(`data/${file}`, FIXTURES)))
  assert.ok(block !== undefined)
  return parseCrl(block.der, { ber: file in NEED_BER, index: true })
}

/** The four OCSP answers are two, in DER and in base64. */
function ocspOf(file: string): Uint8Array {
  const bytes = readFileSync(new URL(`data/${file}`, FIXTURES))
  return file.endsWith('.der') ? bytes : Buffer.from(bytes.toString('latin1'), 'base64')
}

/** What our lints say, in zlint's words. We have one word for NE and NA. */
function verdict(results: readonly LintResult[], { error = [], warn = [] }: Counterpart): readonly Outcome[] {
  const outcomes = (ids: readonly string[]): readonly LintOutcome[] =>
    ids.map((id) => {
      const result = results.find((r) => r.id === id)
      assert.ok(result !== undefined, id)
      return result.outcome
    })
  if (outcomes(error).includes('fail')) return ['Error']
  if (outcomes(warn).includes('fail')) return ['Warn']
  return [...outcomes(error), ...outcomes(warn)].every((o) => o === 'not_applicable')
    ? ['NE', 'NA']
    : ['Pass']
}

const DAY = 86_400_000

/** zlint: ten days for CRLs of subscriber certificates (sub1 in the names of the files), 365 for others; from 2023-07-15, SC-063. */
function nextUpdateVerdict({ thisUpdate, nextUpdate }: Crl, file: string): readonly Outcome[] {
  if (nextUpdate === undefined) return ['NA']
  const max = (file.includes('sub1') ? 10 : 365) * DAY
  if (nextUpdate - thisUpdate <= max) return ['Pass']
  return thisUpdate < Date.UTC(2023, 6, 15) ? ['NE'] : ['Error']
}

describe("zlint's CRLs and OCSP answers", () => {
  it('are all there', () => {
    assert.equal(CASES.length, 68)
  })

  for (const { file, kind, lint, outcome } of CASES) {
    it(`${lint} of ${file}: ${outcome}`, () => {
      if (lint === THRESHOLD) {
        assert.ok(nextUpdateVerdict(crlOf(file), file).includes(outcome))
        return
      }
      const counterpart = COUNTERPARTS[lint]
      assert.ok(counterpart !== undefined, lint)
      const results = kind === 'crl' ? lintCrl(crlOf(file)) : lintOcsp(parseOcspResponse(ocspOf(file)))
      const ours = verdict(results, counterpart)
      assert.ok(ours.includes(outcome), `zlint says ${outcome}, we say ${ours.join(' or ')}`)
    })
  }

  for (const [file, code] of Object.entries(NEED_BER)) {
    it(`${file} is refused without the switch for BER: ${code}`, () => {
      const [block] = decodePem(readFileSync(new URL(`data/${file}`, FIXTURES)))
      assert.throws(
        () => parseCrl(block?.der ?? new Uint8Array()),
        (error) => error instanceof PkiError && error.code === code,
      )
    })
  }
})
