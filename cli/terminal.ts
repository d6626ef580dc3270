import { styleText } from 'node:util'

type Style = 'red' | 'green' | 'yellow' | 'blue' | 'dim' | 'bold' | 'cyan'

/** Colours only on a terminal that wants them (NO_COLOR, TERM=dumb). */
export function paint(stream: NodeJS.WriteStream, style: Style, text: string): string {
  return styleText(style, text, { stream, validateStream: true })
}

// Controls (C0, C1, DEL) but for tab and line feed, formats (which reorder or hide text), and the separators that end a line:
// what a certificate says must not drive the terminal.
const UNSAFE = /(?![\t\n])[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]/gu

/** Makes foreign text safe to print. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (c) => {
    const hex = (c.codePointAt(0) ?? 0).toString(16).padStart(4, '0')
    return hex.length > 4 ? `\\u{${hex}}` : `\\u${hex}`
  })
}

/** Left-aligned columns, two spaces apart. Widths are counted without colours. */
export function table(rows: readonly (readonly string[])[]): string {
  const widths: number[] = []
  for (const row of rows) row.forEach((cell, i) => (widths[i] = Math.max(widths[i] ?? 0, visible(cell))))
  return rows
    .map((row) =>
      row
        .map((cell, i) => (i === row.length - 1 ? cell : cell + ' '.repeat((widths[i] ?? 0) - visible(cell))))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function visible(text: string): number {
  return text.replace(/\u001b\[[0-9;]*m/g, '').length
}

/** `1.2 s`, `340 ms`, `3 min`, `2 h`, `5 days`: for people, never for machines. */
export function humanDuration(ms: number): string {
  const abs = Math.abs(ms)
  if (abs < 1000) return `${Math.round(ms)} ms`
  if (abs < 90_000) return `${(ms / 1000).toFixed(1)} s`
  if (abs < 5_400_000) return `${Math.round(ms / 60_000)} min`
  if (abs < 172_800_000) return `${Math.round(ms / 3_600_000)} h`
  return `${Math.round(ms / 86_400_000)} days`
}
