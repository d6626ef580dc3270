import { pino, type Logger } from 'pino'
import { paint, printable } from './terminal.ts'

const LEVELS: Readonly<Record<number, readonly [string, 'dim' | 'cyan' | 'yellow' | 'red']>> = {
  20: ['debug', 'dim'],
  30: ['info', 'cyan'],
  40: ['warn', 'yellow'],
  50: ['error', 'red'],
}

/**
 * What the running process says about itself, on standard error: JSON with ECS names for collectors, short lines on a terminal.
 * Nothing of this is evidence; evidence is in the journal.
 */
export function createLogger(stream: NodeJS.WriteStream, level: 'debug' | 'info' | 'silent'): Logger {
  const options = {
    level,
    base: null,
    messageKey: 'message',
    timestamp: () => `,"@timestamp":"${new Date().toISOString()}"`,
    formatters: { level: (label: string) => ({ 'log.level': label }) },
  }
  if (!stream.isTTY) return pino(options, stream)
  const lines = {
    write(json: string): void {
      stream.write(`${readable(stream, json)}\n`)
    },
  }
  return pino({ level, base: null }, lines)
}

function readable(stream: NodeJS.WriteStream, json: string): string {
  const { time, level, msg, ...rest } = JSON.parse(json) as {
    time: number
    level: number
    msg?: string
    [key: string]: unknown
  }
  const [label, style] = LEVELS[level] ?? ['info', 'cyan']
  const details = Object.entries(rest)
    .map(([key, value]) => `${key}=${printable(typeof value === 'string' ? value : JSON.stringify(value))}`)
    .join(' ')
  const clock = new Date(time).toISOString().slice(11, 19)
  return `${paint(stream, 'dim', clock)} ${paint(stream, style, label.padEnd(5))} ${printable(msg ?? '')} ${paint(stream, 'dim', details)}`.trimEnd()
}
