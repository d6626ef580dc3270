import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readdir, readFile, readlink } from 'node:fs/promises'
import { eventId } from '../../collectors/eventId.ts'
import type { AuditEvent } from '../../model/auditEvent.ts'
import { READ, comparable } from './records.ts'
import type { Document } from './records.ts'

/** A document where it was found. */
export interface Found {
  readonly id: string
  readonly index: string
  readonly document: Document
}

/** As `fingerprint.length` in filebeat.yml has it. */
export function fingerprint(log: Uint8Array): string {
  return createHash('sha256').update(log.subarray(0, 128)).digest('hex')
}

/** Each event of one file has its document, and no document has none. `name`: source and fingerprint. */
export function assertEqual(events: readonly AuditEvent[], found: readonly Found[], name: string): void {
  const documents = new Map<number | undefined, Found>()
  for (const one of found) {
    const { position, log } = one.document
    if (`${position?.source} ${log?.file.fingerprint}` === name) documents.set(log?.offset, one)
  }
  assert.equal(documents.size, events.length, name)
  for (const event of events) {
    // Of a record of several lines Filebeat tells where the last one began.
    const lines = Buffer.from(event.event.original)
    const one = documents.get(event.position.offset + lines.lastIndexOf('\n') + 1)
    assert.ok(one !== undefined, event.event.original)
    const { document, id } = one
    assert.deepEqual(comparable(document, document.event.created), comparable(event, READ))
    assert.equal(document.event.id, id)
    const { position, log } = document
    const place = { file: log?.file.fingerprint ?? '', offset: log?.offset ?? 0 }
    assert.equal(id, eventId(position?.source ?? '', place, lines), 'the id is the one that vigil gives')
  }
}

/** Addresses on which a process listens, as /proc has them. */
export async function listening(pid: number): Promise<string[]> {
  const open = new Set<string>()
  for (const fd of await readdir(`/proc/${pid}/fd`))
    open.add(await readlink(`/proc/${pid}/fd/${fd}`).catch(() => 'closed meanwhile'))
  const addresses = []
  for (const table of ['tcp', 'tcp6', 'udp', 'udp6'])
    for (const line of (await readFile(`/proc/net/${table}`, 'utf8')).split('\n').slice(1)) {
      const [, local = '', , state, , , , , , inode = ''] = line.trim().split(/\s+/)
      const waiting = state === '0A' || table.startsWith('udp')
      if (waiting && open.has(`socket:[${inode}]`)) addresses.push(`${table} ${local}`)
    }
  return addresses
}
