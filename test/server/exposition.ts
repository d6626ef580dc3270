import assert from 'node:assert/strict'

export interface Series {
  readonly name: string
  readonly labels: ReadonlyMap<string, string>
  readonly value: number
}

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/
const LABEL = /^[a-zA-Z_][a-zA-Z0-9_]*$/
/** What Go's ParseFloat takes, as far as anybody writes it. */
const VALUE = /^(NaN|[+-]Inf|-?\d+(\.\d+)?(e[+-]?\d+)?)$/

/**
 * Reads the Prometheus text format 0.0.4 to the letter, and throws where a scraper could: a type after its samples, samples of a metric that stand
 * apart, the same series twice, an escape that there is none of.
 */
export function parseExposition(text: string): Series[] {
  assert.ok(text.endsWith('\n'), 'the last line has its end')
  assert.ok(text.isWellFormed(), 'UTF-8 can hold it')
  const series: Series[] = []
  const types = new Map<string, string>()
  const seen = new Set<string>()
  let family = ''
  for (const line of text.split('\n')) {
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/s.exec(line)
    if (comment !== null) {
      const [, kind, name = '', rest = ''] = comment
      assert.match(name, NAME)
      if (kind === 'TYPE') {
        assert.ok(['counter', 'gauge', 'histogram', 'summary', 'untyped'].includes(rest), line)
        assert.ok(!types.has(name), `second type: ${line}`)
        types.set(name, rest)
        family = name
      } else assert.doesNotMatch(rest.replaceAll(/\\[\\n]/g, ''), /\\/, line)
    } else if (line !== '' && !line.startsWith('#')) {
      const sample = parseSample(line)
      const base = types.has(sample.name) ? sample.name : sample.name.replace(/_(bucket|sum|count)$/, '')
      assert.equal(base, family, `not beside the other samples of its metric: ${line}`)
      const key = JSON.stringify([sample.name, [...sample.labels].sort()])
      assert.ok(!seen.has(key), `twice: ${line}`)
      seen.add(key)
      series.push(sample)
    }
  }
  return series
}

function parseSample(line: string): Series {
  const name = /^[^{\s]+/.exec(line)?.[0] ?? ''
  assert.match(name, NAME, line)
  let at = name.length
  const labels = new Map<string, string>()
  if (line[at] === '{') {
    at++
    while (line[at] !== '}') {
      const label = /^[^=]+/.exec(line.slice(at))?.[0] ?? ''
      assert.match(label, LABEL, line)
      assert.ok(!labels.has(label), `label twice: ${line}`)
      const quoted = /^="((?:[^"\\]|\\.)*)"/s.exec(line.slice(at + label.length))
      assert.ok(quoted !== null, `expected ="…" after ${label}: ${line}`)
      labels.set(label, unescape(quoted[1] ?? ''))
      at += label.length + quoted[0].length
      if (line[at] === ',') at++
      else assert.equal(line[at], '}', line)
    }
    at++
  }
  const value = line.slice(at)
  assert.equal(value[0], ' ', line)
  assert.match(value.slice(1), VALUE, line)
  return { name, labels, value: Number(value.slice(1).replace('Inf', 'Infinity')) }
}

function unescape(text: string): string {
  return text.replaceAll(/\\(.)/gs, (_, escaped: string) => {
    assert.ok(['\\', '"', 'n'].includes(escaped), `no such escape: \\${escaped}`)
    return escaped === 'n' ? '\n' : escaped
  })
}
