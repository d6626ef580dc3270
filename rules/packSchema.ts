import { z } from 'zod'
import { SEVERITIES } from '../model/finding.ts'
import { SUBJECT_KINDS } from '../model/subject.ts'
import { parseDuration } from '../model/time.ts'

// A rule pack as it stands in YAML. Durations are parsed to milliseconds, except parameters, which keep how they were written.

/** Schema version of packs that this vigil reads. */
const PACK_SCHEMA = 1

const duration = z.string().transform((text, context) => {
  const ms = parseDuration(text)
  if (ms !== undefined) return ms
  context.addIssue({ code: 'custom', message: 'expected a duration such as 90s, 24h or 7d' })
  return z.NEVER
})

const line = z.string().trim().min(1).max(300)
const text = z.string().trim().min(1).max(4000)

const RULE_ID = /^[a-z][a-z0-9_]{0,62}$/

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
  }),
  applies_to: z.strictObject({
    subjects: z.array(z.enum(SUBJECT_KINDS)).min(1),
    /** Only subjects of authorities of this class. */
    class: z.enum(['online', 'offline']).optional(),
    /** Only where the inventory declares it; elsewhere the verdict is not_applicable. */
    needs: z.enum(['ocsp']).optional(),
  }),
  /** `24h` is a duration, 398 an int, anything else a string. */
  parameters: z
    .record(
      z
        .string()
        .regex(/^[a-z][a-z0-9_]{0,62}$/, 'expected a parameter name in lower case, with digits and "_"'),
      z.union([z.string(), z.int()]),
    )
    .default({}),
  /** CEL. While it is false there is no evidence to judge by: the verdict is unknown, not pass. */
  given: z.string().optional(),
  /** CEL. True is a pass. */
  condition: z.string(),
  /** One line for a failing verdict, CEL in braces. */
  summary: line,
  severity: z.enum(SEVERITIES),
  /** How long it must fail before the finding is fail and no longer pending. */
  for: duration.default(0),
  /** How long evidence may be missing before that alerts. */
  unknown_for: duration.default(3_600_000),
  /** How old the deciding observation may be. Default: three intervals of its probe. */
  evidence: z.strictObject({ max_age: duration.optional() }).prefault({}),
  /** What usually repairs it. */
  remediation: text.optional(),
  runbook: z
    .string()
    .regex(/^docs\/[A-Za-z0-9._/-]+\.md$/, 'expected a page under docs/, for example docs/runbooks/NAME.md')
    .optional(),
})

export const packSchema = z.strictObject({
  schema: z.literal(PACK_SCHEMA, `expected ${PACK_SCHEMA}: a pack of another schema needs another vigil`),
  id: z.string().regex(/^[a-z][a-z0-9-]{0,62}$/, 'expected lower-case letters, digits and "-", at most 63'),
  version: z.string().regex(/^\d+\.\d+\.\d+$/, 'expected a version such as 1.0.0'),
  title: line,
  rules: z.array(rule).min(1).max(1000),
})

export type PackDocument = z.output<typeof packSchema>
export type RuleDocument = PackDocument['rules'][number]
