import type { Facts, FactsOf } from '../../../model/facts.ts'
import { toTimestamp } from '../../../model/time.ts'
import { fails, isNotApplicable, isUnknown, passes, ran, type Case, type PackCases } from './harness.ts'
import { everyDays } from './statements.ts'

const NOTHING: Facts = { probe: ran({ phase: 'connect' }) }
const NOT_VERIFIED: Facts = { probe: ran({ phase: 'signature' }) }

// Algorithms as pki/algorithmTable.ts names and rates them.

interface Algorithm {
  readonly key: string
  readonly bits: number
  readonly signature: string
  readonly strength: number
  readonly quantumSafe: boolean
}

const RSA_2048 = { key: 'RSA', bits: 2048, signature: 'RSA-SHA256', strength: 112, quantumSafe: false }
const RSA_1024 = { ...RSA_2048, bits: 1024, strength: 80 }
const P256 = { key: 'EC P-256', bits: 256, signature: 'ECDSA-SHA256', strength: 128, quantumSafe: false }
const ML_DSA_65 = { key: 'ML-DSA-65', bits: 15_616, signature: 'ML-DSA-65', strength: 192, quantumSafe: true }
const ML_DSA_87 = { key: 'ML-DSA-87', bits: 20_736, signature: 'ML-DSA-87', strength: 256, quantumSafe: true }

interface Dates {
  readonly notBefore?: string
  readonly notAfter?: string
}

/** A certificate whose key and signer are of one algorithm. */
function certificate(algorithm: Algorithm, dates: Dates = {}, changes: FactsOf<'certificate'> = {}): Facts {
  const { key, bits, signature, strength, quantumSafe } = algorithm
  return {
    certificate: {
      serial: 'abcd',
      notBefore: dates.notBefore ?? '2026-11-01T00:00:00.000Z',
      notAfter: dates.notAfter ?? '2027-11-01T00:00:00.000Z',
      keyAlgorithm: key,
      keyBits: bits,
      keyStrength: strength,
      signatureAlgorithm: signature,
      signatureStrength: strength,
      quantumSafe,
      ...changes,
    },
  }
}

/** As of an algorithm that vigil does not know: its name is its OID, nothing else is established. */
function unknownAlgorithm(dates: Dates = {}): Facts {
  const { notBefore = '2026-11-01T00:00:00.000Z', notAfter = '2027-11-01T00:00:00.000Z' } = dates
  return {
    certificate: { serial: 'abcd', notBefore, notAfter, keyAlgorithm: '1.2.3', signatureAlgorithm: '1.2.4' },
  }
}

function crl({ signature, strength, quantumSafe }: Algorithm, thisUpdate = '2026-11-22T00:00:00Z'): Facts {
  return {
    crl: {
      issuer: 'CN=Issuing',
      thisUpdate: toTimestamp(Date.parse(thisUpdate)),
      signatureAlgorithm: signature,
      signatureStrength: strength,
      quantumSafe,
    },
  }
}

function ocsp({ signature, strength, quantumSafe }: Algorithm, producedAt = '2026-11-22T00:00:00Z'): Facts {
  return {
    ocsp: {
      serial: 'abcd',
      producedAt: toTimestamp(Date.parse(producedAt)),
      signatureAlgorithm: signature,
      signatureStrength: strength,
      quantumSafe,
    },
  }
}

const HYBRID: FactsOf<'tls'> = {
  protocol: 'TLSv1.3',
  cipher: 'TLS_AES_256_GCM_SHA384',
  group: 'X25519MLKEM768',
}
const CLASSICAL = { ...HYBRID, group: 'X25519' }
/** Neither this nor DHE has a named group. */
const RSA_TRANSPORT: FactsOf<'tls'> = { protocol: 'TLSv1.2', cipher: 'TLS_RSA_WITH_AES_256_GCM_SHA384' }
const ECDHE_12 = { protocol: 'TLSv1.2', cipher: 'TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256', group: 'X25519' }

const CERTIFICATE_UNKNOWN: readonly Case[] = [
  isUnknown('an algorithm that is not known', unknownAlgorithm()),
  isUnknown('nothing was received', NOTHING),
]

/** The last second of a deadline, and the first after it. */
interface Deadline {
  readonly last: string
  readonly first: string
}

const END_2030: Deadline = { last: '2030-12-31T23:59:59.000Z', first: '2031-01-01T00:00:00.000Z' }
const END_2031: Deadline = { last: '2031-12-31T23:59:59.000Z', first: '2032-01-01T00:00:00.000Z' }
const END_2035: Deadline = { last: '2035-12-31T23:59:59.000Z', first: '2036-01-01T00:00:00.000Z' }

/** What is enough for ever, and what only until the deadline. */
type Ending = (algorithm: Algorithm, date: string) => Facts
const byNotAfter: Ending = (algorithm, notAfter) => certificate(algorithm, { notAfter })

function ends(made: Ending, { last, first }: Deadline, old: Algorithm, lasting: Algorithm): Case[] {
  return [
    passes(`${old.signature} until ${last}`, made(old, last)),
    fails(`${old.signature} from ${first}`, made(old, first)),
    passes(`${lasting.signature} from ${first}`, made(lasting, first)),
    isUnknown('nothing verified', NOT_VERIFIED),
  ]
}

function oneBitLess(made: Ending): Case[] {
  return [
    fails('one bit less until 2030', made({ ...RSA_2048, strength: 111 }, END_2030.last)),
    fails('one bit less from 2031', made({ ...P256, strength: 127 }, END_2030.first)),
  ]
}

const HYBRID_GROUPS = ['X25519MLKEM768', 'SecP256r1MLKEM768', 'SecP384r1MLKEM1024']

function exchangeEnds({ last, first }: Deadline, groups = HYBRID_GROUPS): Case[] {
  const now = (text: string): number => Date.parse(text)
  return [
    passes('X25519 until the deadline', { tls: CLASSICAL }, now(last)),
    fails('X25519 from then on', { tls: CLASSICAL }, now(first)),
    fails('TLS 1.2 from then on', { tls: ECDHE_12 }, now(first)),
    fails('RSA key transport from then on', { tls: RSA_TRANSPORT }, now(first)),
    ...groups.map((group) => passes(`${group} from then on`, { tls: { ...HYBRID, group } }, now(first))),
    isUnknown(
      'the group is not known',
      { tls: { protocol: 'TLSv1.3', cipher: 'TLS_AES_256_GCM_SHA384' } },
      now(last),
    ),
    isUnknown('nothing was received', NOTHING, now(first)),
  ]
}

const notAfter = END_2035.first

export const CRYPTO_AGILITY: PackCases = {
  agility_certificate_floor: [
    passes('RSA 2048 with SHA-256', certificate(RSA_2048)),
    fails('RSA 1024', certificate(RSA_1024)),
    fails('a signature over SHA-1', certificate(RSA_2048, {}, { signatureStrength: 63 })),
    fails('one bit less', certificate(RSA_2048, {}, { keyStrength: 111 })),
    isUnknown('the key is known, the signature is not', {
      certificate: { keyAlgorithm: 'RSA', keyStrength: 112 },
    }),
    ...CERTIFICATE_UNKNOWN,
  ],
  agility_crl_floor: [
    passes('RSA 2048 with SHA-256', crl(RSA_2048)),
    fails('SHA-1', crl({ ...RSA_2048, signature: 'RSA-SHA1', strength: 63 })),
    fails('one bit less', crl({ ...RSA_2048, strength: 111 })),
    isUnknown('it did not verify', NOT_VERIFIED),
  ],
  agility_ocsp_floor: [
    passes('RSA 2048 with SHA-256', ocsp(RSA_2048)),
    fails('SHA-1', ocsp({ ...RSA_2048, signature: 'RSA-SHA1', strength: 63 })),
    fails('one bit less', ocsp({ ...RSA_2048, strength: 111 })),
    isUnknown('it did not verify', NOT_VERIFIED),
  ],
  nist57_certificate_strength: [
    ...ends(byNotAfter, END_2030, RSA_2048, P256),
    ...oneBitLess(byNotAfter),
    fails('never enough', certificate(RSA_1024)),
    fails(
      'a strong key signed by a weak one',
      certificate(P256, { notAfter: END_2030.first }, { signatureStrength: 112 }),
    ),
    fails(
      'a weak key signed by a strong one',
      certificate(P256, { notAfter: END_2030.first }, { keyStrength: 112 }),
    ),
    ...CERTIFICATE_UNKNOWN,
    isUnknown('it does not say when it ends', { certificate: { keyStrength: 256, signatureStrength: 256 } }),
  ],
  nist57_crl_strength: [...ends(crl, END_2030, RSA_2048, P256), ...oneBitLess(crl)],
  nist57_ocsp_strength: [...ends(ocsp, END_2030, RSA_2048, P256), ...oneBitLess(ocsp)],
  nist8547_certificate_class: [...ends(byNotAfter, END_2035, P256, ML_DSA_65), ...CERTIFICATE_UNKNOWN],
  nist8547_crl_class: ends(crl, END_2035, P256, ML_DSA_65),
  nist8547_ocsp_class: ends(ocsp, END_2035, P256, ML_DSA_65),
  nist8547_key_exchange: exchangeEnds(END_2035, [...HYBRID_GROUPS, 'MLKEM768', 'MLKEM1024']),
  bsi_certificate_key_size: [
    passes('RSA 3000', certificate({ ...RSA_2048, bits: 3000 })),
    fails('RSA 2999', certificate({ ...RSA_2048, bits: 2999 })),
    fails('RSA-PSS 2048', certificate({ ...RSA_2048, key: 'RSA-PSS' })),
    fails('RSA 512, which has no strength at all', certificate({ ...RSA_2048, bits: 512, strength: 0 })),
    passes('P-256', certificate(P256)),
    passes('250 bits', certificate({ ...P256, bits: 250 })),
    fails('249 bits', certificate({ ...P256, bits: 249 })),
    fails('P-224', certificate({ ...P256, key: 'EC P-224', bits: 224, strength: 112 })),
    isNotApplicable('ML-DSA', certificate(ML_DSA_65)),
    ...CERTIFICATE_UNKNOWN,
  ],
  bsi_certificate_hash: [
    ...['SHA256', 'SHA384', 'SHA512', 'SHA512-256', 'SHA3-256', 'SHA3-384', 'SHA3-512'].map((hash) =>
      passes(hash, certificate({ ...P256, signature: `ECDSA-${hash}` })),
    ),
    passes('RSA-PSS with SHA-512', certificate({ ...RSA_2048, signature: 'RSA-PSS-SHA512' })),
    fails(
      'MD5, which has no strength at all',
      certificate({ ...RSA_2048, signature: 'RSA-MD5', strength: 0 }),
    ),
    fails('SHA-1', certificate({ ...RSA_2048, signature: 'RSA-SHA1' })),
    fails('SHA-224', certificate({ ...P256, signature: 'ECDSA-SHA224' })),
    fails('SHA-512/224', certificate({ ...RSA_2048, signature: 'RSA-SHA512-224' })),
    isNotApplicable('Ed25519', certificate({ ...P256, signature: 'Ed25519' })),
    ...CERTIFICATE_UNKNOWN,
  ],
  bsi_certificate_class: [...ends(byNotAfter, END_2035, P256, ML_DSA_65), ...CERTIFICATE_UNKNOWN],
  bsi_crl_class: ends(crl, END_2035, P256, ML_DSA_65),
  bsi_ocsp_class: ends(ocsp, END_2035, P256, ML_DSA_65),
  bsi_key_exchange: exchangeEnds(END_2031),
  bsi_key_exchange_high: exchangeEnds(END_2030),
  cnsa2_certificate_new: [
    isNotApplicable('issued before', certificate(P256, { notBefore: '2026-12-31T23:59:59.000Z' })),
    fails('P-256 issued from the first moment', certificate(P256, { notBefore: '2027-01-01T00:00:00.000Z' })),
    fails('ML-DSA-65', certificate(ML_DSA_65, { notBefore: '2027-01-01T00:00:00.000Z' })),
    fails(
      'ML-DSA-87 signed by another',
      certificate(ML_DSA_87, { notBefore: '2027-01-01T00:00:00.000Z' }, { signatureAlgorithm: 'ML-DSA-65' }),
    ),
    passes('ML-DSA-87', certificate(ML_DSA_87, { notBefore: '2027-01-01T00:00:00.000Z' })),
    fails('an algorithm that is not known', unknownAlgorithm({ notBefore: '2027-01-01T00:00:00.000Z' })),
    isUnknown('nothing was received', NOTHING),
  ],
  cnsa2_certificate_servers: [
    isNotApplicable('over before', certificate(P256, { notAfter: '2032-12-31T23:59:59.000Z' })),
    fails('P-256 that lasts into 2033', certificate(P256, { notAfter: '2033-01-01T00:00:00.000Z' })),
    fails(
      'ML-DSA-87 signed by another',
      certificate(ML_DSA_87, { notAfter }, { signatureAlgorithm: 'ML-DSA-65' }),
    ),
    passes('ML-DSA-87', certificate(ML_DSA_87, { notAfter })),
    isUnknown('nothing was received', NOTHING),
  ],
  cnsa2_crl: [
    isNotApplicable('before', crl(P256, END_2035.last)),
    fails('P-256 after', crl(P256, END_2035.first)),
    passes('ML-DSA-87', crl(ML_DSA_87, END_2035.first)),
    isUnknown('it did not verify', NOT_VERIFIED),
  ],
  cnsa2_ocsp: [
    isNotApplicable('before', ocsp(P256, END_2035.last)),
    fails('P-256 after', ocsp(P256, END_2035.first)),
    passes('ML-DSA-87', ocsp(ML_DSA_87, END_2035.first)),
    isUnknown('it did not verify', NOT_VERIFIED),
  ],
  sogis_rsa_size: [
    passes('RSA 2048 until the end of 2025', certificate(RSA_2048, { notAfter: '2025-12-31T23:59:59.000Z' })),
    fails('RSA 2048 from 2026', certificate(RSA_2048, { notAfter: '2026-01-01T00:00:00.000Z' })),
    fails('RSA 2999', certificate({ ...RSA_2048, bits: 2999 })),
    passes('RSA 3000', certificate({ ...RSA_2048, bits: 3000 })),
    fails(
      'RSA 1899 before',
      certificate({ ...RSA_2048, bits: 1899 }, { notAfter: '2025-12-31T23:59:59.000Z' }),
    ),
    passes(
      'RSA 1900 before',
      certificate({ ...RSA_2048, bits: 1900 }, { notAfter: '2025-12-31T23:59:59.000Z' }),
    ),
    fails('RSA 512, which has no strength at all', certificate({ ...RSA_2048, bits: 512, strength: 0 })),
    isNotApplicable('a curve', certificate(P256)),
    ...CERTIFICATE_UNKNOWN,
  ],
  agility_tls_version: [
    passes('TLS 1.3', { tls: HYBRID }),
    passes('TLS 1.2', { tls: ECDHE_12 }),
    fails('TLS 1.1', { tls: { protocol: 'TLSv1.1' } }),
    isUnknown('no handshake', NOTHING),
  ],
  agility_tls13: [
    passes('TLS 1.3', { tls: CLASSICAL }),
    fails('TLS 1.2', { tls: ECDHE_12 }),
    isUnknown('no handshake', NOTHING),
  ],
  agility_tls_key_exchange: [
    passes('TLS 1.3', { tls: CLASSICAL }),
    passes('ECDHE', { tls: ECDHE_12 }),
    fails('RSA key transport', { tls: RSA_TRANSPORT }),
    fails('DHE', { tls: { ...RSA_TRANSPORT, cipher: 'TLS_DHE_RSA_WITH_AES_256_GCM_SHA384' } }),
    fails('static DH', { tls: { ...RSA_TRANSPORT, cipher: 'TLS_DH_RSA_WITH_AES_256_GCM_SHA384' } }),
    fails('static ECDH', { tls: { ...RSA_TRANSPORT, cipher: 'TLS_ECDH_RSA_WITH_AES_256_GCM_SHA384' } }),
    isUnknown('no handshake', NOTHING),
  ],
  agility_hybrid_key_exchange: [
    ...HYBRID_GROUPS.map((group) => passes(group, { tls: { ...HYBRID, group } })),
    fails('X25519', { tls: CLASSICAL }),
    fails('TLS 1.2', { tls: ECDHE_12 }),
    fails('RSA key transport, which has no group', { tls: RSA_TRANSPORT }),
    isUnknown('the group is not known', { tls: { protocol: 'TLSv1.3' } }),
    isUnknown('no handshake', NOTHING),
  ],
  agility_replacement_plan: everyDays(366),
}
