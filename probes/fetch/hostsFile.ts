import { readFile, stat } from 'node:fs/promises'
import { isIP } from 'node:net'
import { join } from 'node:path'
import { systemCode } from '../../model/thrown.ts'

export const SYSTEM_HOSTS_FILE =
  process.platform === 'win32'
    ? join(process.env['SystemRoot'] ?? 'C:\\Windows', 'System32', 'drivers', 'etc', 'hosts')
    : '/etc/hosts'

/** Octets of a hosts file that is read; the largest block lists have 10 MB. */
const MAX_HOSTS_FILE = 32 * 1024 * 1024

/** The names of a hosts(5) file. Read again when it changes; a missing or unreadable file has no names. */
export class HostsFile {
  readonly #path: string
  #version = ''
  #names: ReadonlyMap<string, readonly string[]> = new Map()

  constructor(path: string) {
    this.#path = path
  }

  /** Addresses of a name, as text; empty when it is not listed. */
  async find(name: string): Promise<readonly string[]> {
    await this.#refresh()
    return this.#names.get(name.toLowerCase().replace(/\.$/, '')) ?? []
  }

  async #refresh(): Promise<void> {
    try {
      const { mtimeMs, size, ino } = await stat(this.#path)
      const version = `${ino} ${mtimeMs} ${size}`
      if (version === this.#version) return
      this.#names = size > MAX_HOSTS_FILE ? new Map() : parseHosts(await readFile(this.#path, 'utf8'))
      this.#version = version
    } catch (error) {
      if (systemCode(error) === '') throw error
      this.#names = new Map()
      this.#version = ''
    }
  }
}

function parseHosts(text: string): Map<string, readonly string[]> {
  const names = new Map<string, string[]>()
  for (const line of text.split('\n')) {
    const [address, ...aliases] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (address === undefined || isIP(address) === 0) continue
    for (const alias of aliases) {
      const key = alias.toLowerCase()
      const known = names.get(key)
      if (known === undefined) names.set(key, [address])
      else if (!known.includes(address)) known.push(address)
    }
  }
  return names
}
