import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { RulesError } from './error.ts'
import { parsePack, type Pack } from './pack.ts'

const DIRECTORY = new URL('./packs/', import.meta.url)

/** Every pack that comes along, in the order of docs/rules.md. */
export const SHIPPED_PACKS = [
  'internal-pki',
  'operations',
  'rfc5280-6960',
  'cabf-tls-br',
  'slo',
  'private-trust-zones',
  'etsi-en-319-411',
  'crypto-agility',
  'audit-and-logs',
] as const

/**
 * The file of a pack: `internal-pki` is one that is shipped, anything with a slash or `.yaml` is a file,
 * which the caller has made absolute.
 */
function packFile(name: string): string {
  return /[/\\]|\.ya?ml$/.test(name) ? name : fileURLToPath(new URL(`${name}.yaml`, DIRECTORY))
}

/** Throws RulesError(pack_unreadable | pack_invalid). */
export function loadPack(name: string): Pack {
  const file = packFile(name)
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    const reason = error instanceof Error && 'code' in error ? String(error.code) : String(error)
    const message = `rule pack ${name} cannot be read (${reason}): name a shipped pack or a .yaml file`
    throw new RulesError('pack_unreadable', [{ file, line: undefined, path: [], message }], { cause: error })
  }
  return parsePack(text, file)
}
