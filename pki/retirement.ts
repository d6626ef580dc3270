// Until when an algorithm may be used, according to those who say so. Facts about documents, not verdicts: rules choose whose dates count.

/** What one document says about an algorithm. */
export interface Retirement {
  /** As in the rule packs. */
  readonly id: string
  readonly document: string
  readonly section: string
  /**
   * How the statement was verified: in the document itself, in a text that quotes it, or not at all (from memory). Only the first is
   * more than advice.
   */
  readonly seen: 'primary' | 'secondary' | 'memory'
  /** Where only some objects are meant. */
  readonly objects?: readonly ('certificate' | 'crl' | 'ocsp')[]
  /** The last day (UTC, `YYYY-MM-DD`) on which it is not discouraged. */
  readonly deprecatedAfter?: string
  /** The last day on which it may be used; `never`: it was not admitted at all. */
  readonly allowedUntil?: string
}

/** What decides about a key or signature algorithm; as in `Certificate` and `SignatureScheme`. */
export interface AlgorithmTraits {
  /** `RSA`, `EC P-256`, `RSA-SHA1`, `ML-DSA-65`, ... */
  readonly name: string
  /** Of a key; of a signature 0. */
  readonly bits: number
  readonly strength: number | undefined
  readonly quantumSafe: boolean | undefined
}

interface Statement extends Retirement {
  readonly applies: (algorithm: AlgorithmTraits) => boolean
}

const SP_800_57 = {
  document: 'NIST SP 800-57 part 1 revision 5',
  section: 'tables 2 and 4',
  seen: 'secondary',
} as const
const IR_8547 = {
  document: 'NIST IR 8547 (initial public draft)',
  section: 'tables 2 and 4',
  seen: 'secondary',
} as const
const BSI = 'BSI TR-02102-1, version 2026-01'
const CNSA = 'NSA CNSA 2.0'
const BR = 'CA/Browser Forum TLS BR 2.2.6'

const isClassical = ({ quantumSafe }: AlgorithmTraits): boolean => quantumSafe === false
const isBelow = (limit: number, { strength }: AlgorithmTraits): boolean =>
  strength !== undefined && strength < limit
const isRsaKey = ({ name, bits }: AlgorithmTraits): boolean => /^RSA(-PSS)?$/.test(name) && bits > 0
const isCurve = ({ name }: AlgorithmTraits): boolean => name.startsWith('EC ')
const isSha1 = ({ name }: AlgorithmTraits): boolean => name.endsWith('-SHA1')

const STATEMENTS: readonly Statement[] = [
  { id: 'NIST-57-01', ...SP_800_57, allowedUntil: 'never', applies: (a) => isBelow(112, a) },
  {
    id: 'NIST-57-01',
    ...SP_800_57,
    allowedUntil: '2030-12-31',
    applies: (a) => !isBelow(112, a) && isBelow(128, a),
  },
  {
    id: 'NIST-8547-01',
    ...IR_8547,
    deprecatedAfter: '2030-12-31',
    allowedUntil: '2035-12-31',
    applies: (a) => isClassical(a) && !isBelow(112, a) && isBelow(128, a),
  },
  {
    id: 'NIST-8547-01',
    ...IR_8547,
    allowedUntil: '2035-12-31',
    applies: (a) => isClassical(a) && a.strength !== undefined && !isBelow(128, a),
  },
  {
    id: 'CNSA2-01',
    document: CNSA,
    section: 'new acquisitions',
    seen: 'secondary',
    deprecatedAfter: '2026-12-31',
    applies: (a) => a.name !== 'ML-DSA-87',
  },
  {
    id: 'CNSA2-01',
    document: CNSA,
    section: 'all national security systems',
    seen: 'memory',
    allowedUntil: '2035-12-31',
    applies: (a) => a.name !== 'ML-DSA-87',
  },
  {
    id: 'BSI-01',
    document: BSI,
    section: '2.1, table 2.2',
    seen: 'secondary',
    allowedUntil: '2035-12-31',
    applies: isClassical,
  },
  {
    id: 'BSI-02',
    document: BSI,
    section: 'chapters 2 to 5',
    seen: 'memory',
    allowedUntil: 'never',
    applies: (a) => (isRsaKey(a) && a.bits < 3000) || (isCurve(a) && a.bits > 0 && a.bits < 250),
  },
  {
    id: 'SOGIS-01',
    document: 'SOG-IS Agreed Cryptographic Mechanisms 1.3',
    section: 'RSA',
    seen: 'secondary',
    allowedUntil: '2025-12-31',
    applies: (a) => isRsaKey(a) && a.bits >= 1900 && a.bits < 3000,
  },
  {
    id: 'BR-KEY-01',
    document: BR,
    section: '6.1.5',
    seen: 'primary',
    objects: ['certificate'],
    allowedUntil: 'never',
    applies: (a) => isRsaKey(a) && a.bits < 2048,
  },
  {
    id: 'BR-KEY-02',
    document: BR,
    section: '6.1.5',
    seen: 'primary',
    objects: ['certificate'],
    allowedUntil: 'never',
    applies: (a) =>
      (isCurve(a) && !/^EC P-(256|384|521)$/.test(a.name)) || /^(Ed|DSA$|(ML|SLH)-DSA-)/.test(a.name),
  },
  {
    id: 'BR-SIG-01',
    document: BR,
    section: '7.1.3.2',
    seen: 'primary',
    allowedUntil: 'never',
    applies: (a) =>
      /^(RSA|ECDSA|DSA)-/.test(a.name) &&
      !isSha1(a) &&
      !/^(RSA(-PSS)?|ECDSA)-SHA(256|384|512)$|^RSA-PSS$/.test(a.name),
  },
  {
    id: 'BR-SIG-02',
    document: BR,
    section: '7.1.3.2.1',
    seen: 'primary',
    objects: ['ocsp'],
    allowedUntil: '2022-05-31',
    applies: isSha1,
  },
  {
    id: 'BR-SIG-02',
    document: BR,
    section: '7.1.3.2.1',
    seen: 'primary',
    objects: ['certificate', 'crl'],
    allowedUntil: '2026-09-14',
    applies: isSha1,
  },
]

/** Everything that is known to be said about the end of an algorithm. Empty for an algorithm that vigil does not know. */
export function retirementsOf(algorithm: AlgorithmTraits): readonly Retirement[] {
  if (algorithm.quantumSafe === undefined) return []
  return STATEMENTS.filter(({ applies }) => applies(algorithm))
}
