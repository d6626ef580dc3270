import assert from 'node:assert/strict'
import { existsSync, globSync, readFileSync } from 'node:fs'
import { dirname, normalize } from 'node:path'
import { test } from 'node:test'

/** As GitHub makes it of a heading. */
function anchorOf(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_\- ]/gu, '')
    .trim()
    .replaceAll(' ', '-')
}

const prose = (file: string): string => readFileSync(file, 'utf8').replace(/^```[^]*?^```/gm, '')
const linksOf = (file: string): { readonly path: string; readonly anchor: string }[] =>
  [...prose(file).matchAll(/\]\((?!https?:)([^)\s#]*)#?([^)\s]*)\)/g)].map(([, path = '', anchor = '']) => ({
    path: path === '' ? file : normalize(`${dirname(file)}/${path}`),
    anchor,
  }))
const pages = ['README.md', ...globSync('docs/**/*.md')]

test('every link in the documentation leads to a file that is there, and to a heading in it', () => {
  const broken = pages.flatMap((page) =>
    linksOf(page)
      .filter(({ path, anchor }) => {
        if (anchor === '' || !path.endsWith('.md')) return !existsSync(path)
        const headings = [...prose(path).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchorOf(heading))
        return !headings.includes(anchor)
      })
      .map(({ path, anchor }) => `${page}: ${path}#${anchor}`),
  )
  assert.deepEqual(broken, [])
})

test('every page is reached from the README', () => {
  const reached = new Set(['README.md'])
  for (const page of reached)
    for (const { path } of linksOf(page))
      if (path.endsWith('.md')) reached.add(path)
      else for (const inside of globSync(`${path}/*.md`)) reached.add(normalize(inside))
  assert.deepEqual(
    pages.filter((page) => !reached.has(page)),
    [],
  )
})
