import { styleText } from 'node:util'

type Style = 'red' | 'green' | 'yellow' | 'blue' | 'dim' | 'bold' | 'cyan'

/** Colours only on a terminal that wants them (NO_COLOR, TERM=dumb). */
export function paint(stream: NodeJS.WriteStream, style: Style, text: string): string {
  return styleText(style, text, { stream, validateStream: true })
}

// C0, C1 and DEL, and the characters that reorder or hide text: what a certificate says must not drive the terminal.
const UNSAFE = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g

/** Makes foreign text safe to print. */
export function printable(text: string): string {
  return text.replace(UNSAFE, (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`)
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
