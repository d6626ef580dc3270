import assert from 'node:assert/strict'
import { it } from 'node:test'
import { parseExposition } from './exposition.ts'

it('the parser of expositions refuses what Prometheus would', () => {
  for (const text of [
    'x 1',
    'x 1\n',
    '# TYPE x gauge\nx{a="b} 1\n',
    '# TYPE x gauge\nx{a="\\t"} 1\n',
    '# TYPE x gauge\nx{a="b\n"} 1\n',
    '# TYPE x gauge\nx{a="b",a="c"} 1\n',
    '# TYPE x gauge\nx 1\nx 2\n',
    '# TYPE x gauge\nx Nan\n',
    '# TYPE x gauge\n# TYPE y gauge\nx 1\n',
  ])
    assert.throws(() => parseExposition(text), text)
})
