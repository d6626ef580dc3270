import type { SQLOutputValue } from 'node:sqlite'
import { StoreError } from '../error.ts'

export type Row = Readonly<Record<string, SQLOutputValue>> | undefined

// Columns as the STRICT schema types them; anything else means that the file was damaged.

export function integer(row: Row, column: string): number {
  const value = row?.[column]
  if (typeof value === 'number') return value
  throw damaged(column, 'a number', value)
}

export function text(row: Row, column: string): string {
  const value = row?.[column]
  if (typeof value === 'string') return value
  throw damaged(column, 'text', value)
}

export function blob(row: Row, column: string): Uint8Array {
  const value = row?.[column]
  if (value instanceof Uint8Array) return value
  throw damaged(column, 'a blob', value)
}

/** A JSON column. It holds only what `apply` wrote from a typed record, so readers may take its type as known. */
export function json(row: Row, column: string): unknown {
  return JSON.parse(text(row, column))
}

function damaged(column: string, expected: string, value: SQLOutputValue | undefined): StoreError {
  const got = value === undefined ? 'no row' : value === null ? 'NULL' : typeof value
  return new StoreError('corrupt', `column ${column}: expected ${expected}, got ${got}`)
}
