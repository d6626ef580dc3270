import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus } from 'node:os'

const FILE = new URL('results.md', import.meta.url)
const HEAD = `# Results of the benchmarks

Each section is written by the script it names. Absolute figures are those of one machine; the ratios are the point.
`

/** Prints a section and puts it in the place of the one with that title in bench/results.md. */
export function keepSection(title: string, text: string): void {
  const where = `Node ${process.version}, OpenSSL ${process.versions.openssl}, ${cpus()[0]?.model ?? 'unknown CPU'}`
  const section = `## ${title}\n\n${text.trim()}\n\n${where}.\n`
  console.log(section)
  const old = existsSync(FILE) ? readFileSync(FILE, 'utf8') : HEAD
  const [head = '', ...sections] = old.split(/^(?=## )/m)
  const others = sections.filter((other) => !other.startsWith(`## ${title}\n`))
  const all = [...others.map((other) => other.trim() + '\n'), section].sort((a, b) => (a < b ? -1 : 1))
  writeFileSync(FILE, [head.trim() + '\n', ...all].join('\n'))
}

/** A table in Markdown; the columns after the first are figures. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, header.map((_, i) => (i === 0 ? '---' : '---:')), ...rows]
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

export function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? NaN
}
