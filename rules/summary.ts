import { Duration } from '@marcbachmann/cel-js/evaluator'
import type { Expression, ExpressionProblem, RuleEnvironment, Scope } from './cel.ts'

/** One line for people, as a list of texts and expressions: `CRL is {now - crl.thisUpdate} old`. */
export interface Summary {
  readonly source: string
  readonly parts: readonly (string | Expression)[]
}

type CompiledSummary =
  | { readonly ok: true; readonly summary: Summary }
  | { readonly ok: false; readonly problems: readonly ExpressionProblem[] }

/** Longest summary that is written, in characters: a fact from the network may be long. */
const MAX_SUMMARY = 500

/** An expression in braces is CEL, and may also name `subject`, `target` and `error`. */
export function compileSummary(environment: RuleEnvironment, source: string): CompiledSummary {
  const parts: (string | Expression)[] = []
  const problems: ExpressionProblem[] = []
  const pattern = /\{([^{}]*)\}/g
  let end = 0
  for (const match of source.matchAll(pattern)) {
    if (match.index > end) parts.push(source.slice(end, match.index))
    end = match.index + match[0].length
    const compiled = environment.compileText(match[1] ?? '')
    if (compiled.ok) parts.push(compiled.expression)
    else problems.push(...compiled.problems.map((p) => ({ ...p, column: match.index + 1 + p.column })))
  }
  if (end < source.length) parts.push(source.slice(end))
  const stray = parts.find((part) => typeof part === 'string' && /[{}]/.test(part))
  if (stray !== undefined) problems.push({ column: 1, message: 'expected every { to have its }' })
  return problems.length > 0 ? { ok: false, problems } : { ok: true, summary: { source, parts } }
}

/** A part that cannot be evaluated reads `?`: a summary never hides a verdict. */
export function renderSummary(summary: Summary, scope: Scope): string {
  const text = summary.parts
    .map((part) => {
      if (typeof part === 'string') return part
      const outcome = part.evaluate(scope)
      return outcome.kind === 'value' ? showValue(outcome.value) : '?'
    })
    .join('')
  return oneLine(text)
}

/** Control characters and line breaks come from the network too; a summary stays one line. */
export function oneLine(text: string): string {
  const line = text.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ').trim()
  return line.length > MAX_SUMMARY ? `${line.slice(0, MAX_SUMMARY - 1)}…` : line
}

/** A value as people read it. */
export function showValue(value: unknown): string {
  if (value instanceof Date) return value.toISOString().replace(/\.\d{3}Z$/, 'Z')
  if (value instanceof Duration) return humanDuration(value.valueOf())
  if (Array.isArray(value)) return value.length === 0 ? 'none' : value.map((v) => String(v)).join(', ')
  return String(value)
}

const UNITS = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
  ['s', 1000],
] as const

/** Two units are enough to read: `25h` is `1d 1h`, 90061000 is `1d 1h`, 1500 is `1.5s`. */
export function humanDuration(ms: number): string {
  if (ms < 0) return `-${humanDuration(-ms)}`
  if (ms < 1000) return `${Math.round(ms)}ms`
  if (ms < 60_000) return `${Math.floor(ms / 100) / 10}s`
  const first = UNITS.findIndex(([, size]) => ms >= size)
  let rest = ms
  const parts: string[] = []
  for (const [unit, size] of UNITS.slice(first, first + 2)) {
    const count = Math.floor(rest / size)
    rest -= count * size
    if (count > 0) parts.push(`${count}${unit}`)
  }
  return parts.join(' ')
}
