import { z } from 'zod'
import { instant } from '../model/configTypes.ts'
import { SEVERITIES } from '../model/finding.ts'
import { PROBE_KINDS } from '../model/observation.ts'
import { ID_PATTERN, SUBJECT_KINDS } from '../model/subject.ts'
import { parseDuration } from '../model/time.ts'
import type { ParameterValue, Schedule } from './parameters.ts'

// A rule pack as it stands in YAML; docs/pack.schema.json is made from this. Durations and dates are parsed to milliseconds,
// except the values of parameters, which keep how they were written.

/** Schema version of packs that this vigil reads. */
export const PACK_SCHEMA = 1

/** The kind of attestation that stands for all of them together: it has no statement of its own that could expire. */
export const ATTESTATION_DIRECTORY = 'directory'

/** In milliseconds; 0 is one. */
const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: 'expected a duration such as 90s, 24h or 7d' })
  return z.NEVER
})

const line = z.string().trim().min(1).max(300)
const text = z.string().trim().min(1).max(4000)

const RULE_ID = /^[a-z][a-z0-9_]{0,62}$/

/** What decides which edition of a rule an object is judged by: the date that the object itself carries, or the present. */
export const JUDGED_BY = [
  'now',
  'certificate.notBefore',
  // Up to when it is relied on: whether it outlives what it is made with.
  'certificate.notAfter',
  'crl.thisUpdate',
  'ocsp.producedAt',
  'ocsp.thisUpdate',
] as const

const parameterValue = z.union([z.string(), z.number(), z.array(z.string()).max(100)])

/** One value for all time, or a list of values with the date from which each is in force. */
const parameter = z
  .union([
    parameterValue,
    z
      .array(z.strictObject({ value: parameterValue, from: instant.optional() }))
      .min(1)
      .max(20),
  ])
  .transform((written): Schedule =>
    isPlain(written)
      ? [{ value: written, from: undefined }]
      : written.map(({ value, from }) => ({ value, from })),
  )

function isPlain(
  written: ParameterValue | readonly { readonly value: ParameterValue; readonly from?: number | undefined }[],
): written is ParameterValue {
  return !Array.isArray(written) || written.every((item) => typeof item === 'string')
}

const rule = z.strictObject({
  id: z
    .string()
    .regex(RULE_ID, 'expected lower-case letters, digits and "_", at most 63, starting with a letter'),
  title: line,
  /** Why it matters. */
  rationale: text,
  source: z.strictObject({
    document: line,
    version: line.optional(),
    section: line.optional(),
    /** standard: a published requirement; example: a value that users gave; practice: what operators do. */
    basis: z.enum(['standard', 'example', 'practice']),
    /** The requirement was not seen in the document itself: findings are shown as info and page nobody. */
    advisory: z.boolean().default(false),
  }),
  /** When the requirement is in force: from the first moment of `from`, up to and without that of `until`. */
  effective: z.strictObject({ from: instant.optional(), until: instant.optional() }).prefault({}),
  /** Which date decides whether the rule, and which values of its parameters, are in force. */
  judged_by: z.enum(JUDGED_BY).default('now'),
  applies_to: z.strictObject({
    subjects: z.array(z.enum(SUBJECT_KINDS)).min(1),
    /** Only subjects of authorities of this class. */
    class: z.enum(['online', 'offline']).optional(),
    /** Only where the inventory declares it; elsewhere the verdict is not_applicable. */
    needs: z.enum(['ocsp', 'crl']).optional(),
    /** Only subjects whose authority or service has one of these tags in the inventory, a service's also by its issuer. */
    tags: z.array(z.string().regex(ID_PATTERN)).min(1).max(20).optional(),
  }),
  /** `24h` is a duration, 398 an int, 14.4 a double, a list holds texts, anything else is a string. */
  parameters: z
    .record(
      z
        .string()
        .regex(/^[a-z][a-z0-9_]{0,62}$/, 'expected a parameter name in lower case, with digits and "_"'),
      parameter,
    )
    .default({}),
  /** CEL. While it is false there is no evidence to judge by: the verdict is unknown, not pass. */
  given: z.string().optional(),
  /** CEL. While it is false the rule is not about this object: the verdict is not_applicable. */
  when: z.string().optional(),
  /** CEL. True is a pass. */
  condition: z.string(),
  /** One line for a failing verdict, CEL in braces. */
  summary: line,
  severity: z.enum(SEVERITIES),
  /** How long it must fail before the finding is fail and no longer pending. */
  for: duration.default(0),
  /** How long evidence may be missing before that alerts. */
  unknown_for: duration.default(3_600_000),
  evidence: z
    .strictObject({
      /** How old the deciding observation may be. Default: three intervals of its probe. */
      max_age: duration.optional(),
      /** Judged by a signed statement of this kind instead of by probes; `directory` is about all statements together. */
      attestation: z.string().regex(RULE_ID, 'expected a kind such as cps_review').optional(),
      /** Judged by runs of this kind of probe. Default: by the main kind of its subjects. */
      probe: z.enum(PROBE_KINDS).optional(),
    })
    .prefault({}),
  /** What usually repairs it. */
  remediation: text.optional(),
  runbook: z
    .string()
    .regex(/^docs\/[A-Za-z0-9._/-]+\.md$/, 'expected a page under docs/, for example docs/runbooks/NAME.md')
    .optional(),
  /**
   * The same in PromQL, as a second opinion: fires only while vigil's own verdict is pass. Its series need a label `subject`.
   * `${name}` is a parameter, durations in seconds.
   */
  promql: z
    .strictObject({
      alert: z.string().regex(/^[A-Z][A-Za-z0-9]{2,80}$/, 'expected a name in CamelCase'),
      expr: text,
      severity: z.enum(SEVERITIES),
      summary: line,
    })
    .optional(),
})

export const packSchema = z.strictObject({
  schema: z.literal(PACK_SCHEMA),
  id: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and "-", at most 63'),
  version: z.string().regex(/^\d+\.\d+\.\d+$/, 'expected a version such as 1.0.0'),
  title: line,
  rules: z.array(rule).min(1).max(1000),
})

export type PackDocument = z.output<typeof packSchema>
export type RuleDocument = PackDocument['rules'][number]

/** The JSON Schema of packs, as published in docs/pack.schema.json. */
export function packJsonSchema(): Record<string, unknown> {
  return { ...z.toJSONSchema(packSchema, { io: 'input' }), title: 'PKI Vigil rule pack' }
}
