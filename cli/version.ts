import { existsSync, readFileSync } from 'node:fs'
import { z } from 'zod'

const manifest = z.object({ version: z.string() })

/** The version in package.json, which is one level up in a checkout and two in dist/. */
export function productVersion(): string {
  for (const candidate of ['../package.json', '../../package.json']) {
    const url = new URL(candidate, import.meta.url)
    if (existsSync(url)) return manifest.parse(JSON.parse(readFileSync(url, 'utf8'))).version
  }
  return 'unknown'
}
