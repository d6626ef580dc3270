import assert from 'node:assert/strict'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Stack } from '../../cli/stack.ts'
import { openReader } from '../../journal/reader.ts'
import type { Facts } from '../../model/facts.ts'
import type { Finding } from '../../model/finding.ts'
import type { Observation } from '../../model/observation.ts'
import { loadedFrom, startVigil } from '../support/stack.ts'
import { temporaryDirectory } from '../support/vigil.ts'

const CONFIG = `server: { listen: '127.0.0.1:0' }
inventory: {}
rules: { packs: [operations, audit-and-logs], tick: 1s }
backup: { directory: copy }
restore_drill: { directory: scratch }
`

/** The newest observation of this probe and target for which it holds. */
async function observed(
  stack: Stack,
  { probe, target }: Pick<Observation, 'probe' | 'target'>,
  holds: (facts: Facts) => boolean,
): Promise<Facts> {
  for await (const batch of stack.journal.follow(undefined, AbortSignal.timeout(60_000)))
    for (const { kind, body } of batch)
      if (kind === 'observation' && body.probe === probe && body.target === target && holds(body.facts))
        return body.facts
  assert.fail('it was not observed')
}

/** Decided by now, or soon. */
async function decided(stack: Stack, rule: string, state: Finding['state']): Promise<Finding> {
  for await (const batch of stack.journal.follow(undefined, AbortSignal.timeout(60_000)))
    for (const { kind, body } of batch)
      if (kind === 'decision' && body.rule === rule && body.state === state) return body
  assert.fail(`${rule} was not decided to be ${state}`)
}

const BACKUP = { probe: 'backup', target: 'backup' } as const

test('a running vigil backs up, tries the backup, and says so; after a restart it does neither again', async () => {
  using directory = temporaryDirectory()
  const at = (...names: string[]): string => join(directory.path, ...names)
  writeFileSync(at('vigil.yaml'), CONFIG)
  const stack = await startVigil(loadedFrom(at('vigil.yaml')))
  try {
    const { backup, drill } = await observed(stack, BACKUP, (facts) => facts.drill?.made !== undefined)
    assert.equal(backup?.failing, false)
    assert.equal(backup.place, at('copy'))
    assert.ok(Number(backup.entries) > 0 && Number(drill?.records) > 0)
    assert.ok(Date.parse(backup.due ?? '') > Date.now(), 'within the hour')
    assert.ok(Date.parse(drill?.due ?? '') > Date.parse(backup.due ?? ''), 'within the quarter')
    for (const rule of ['monitor_backup_current', 'monitor_backup_restorable', 'monitor_restore_drilled'])
      await decided(stack, rule, 'pass')
    const { attestation } = await observed(
      stack,
      { probe: 'attestation', target: 'restore_drill' },
      () => true,
    )
    assert.match(
      attestation?.statement ?? '',
      /^restored from .*copy: epochs 1, entries \d+, .* none differs$/,
    )
    const finding = await decided(stack, 'audit_restore_drilled', 'pass')
    assert.equal(finding.subject, 'pki_governance')
  } finally {
    await stack.stop()
  }
  const [made, drilled] = [
    readFileSync(at('journal.backups', 'backup.json')),
    readFileSync(at('journal.backups', 'drill.json')),
  ]
  const again = await startVigil(loadedFrom(at('vigil.yaml')))
  await observed(again, BACKUP, () => true)
  await again.stop()
  assert.deepEqual(readFileSync(at('journal.backups', 'backup.json')), made)
  assert.deepEqual(readFileSync(at('journal.backups', 'drill.json')), drilled)
})

test('a drill that fails is a finding, whoever made it', async () => {
  using directory = temporaryDirectory()
  const at = (...names: string[]): string => join(directory.path, ...names)
  writeFileSync(at('vigil.yaml'), CONFIG)
  // A backup and a drill that are not due again, and how the newest attempt of each went.
  mkdirSync(at('journal.backups'))
  const now = new Date().toISOString()
  const made = { at: now, place: '/mnt', entries: 1, octets: 1, duration: 1 }
  const failed = { at: now, why: 'epoch 1 is broken: segments/00000000.zst' }
  writeFileSync(at('journal.backups', 'backup.json'), JSON.stringify({ succeeded: made }))
  const figures = { epochs: 1, entries: 1, records: 1, artifacts: 0, documents: 1 }
  const drilled = { at: now, place: '/mnt', duration: 1, ...figures }
  writeFileSync(at('journal.backups', 'drill.json'), JSON.stringify({ succeeded: drilled, failed }))
  const stack = await startVigil(loadedFrom(at('vigil.yaml')))
  try {
    const finding = await decided(stack, 'monitor_backup_restorable', 'fail')
    assert.match(finding.summary, /The newest restore drill failed: epoch 1 is broken: segments/)
    // What it needs stays as it was: the drill before it.
    await decided(stack, 'monitor_restore_drilled', 'pass')
  } finally {
    await stack.stop()
  }
})

test('what is no outcome counts as none', async () => {
  using directory = temporaryDirectory()
  const at = (...names: string[]): string => join(directory.path, ...names)
  writeFileSync(
    at('vigil.yaml'),
    `${CONFIG}journal: { directory: journal }\n`.replace(
      'restore_drill: { directory: scratch }',
      'restore_drill: { enabled: false }',
    ),
  )
  mkdirSync(at('journal.backups'))
  writeFileSync(at('journal.backups', 'backup.json'), '{"succeeded":{"at":"yesterday"}}')
  const stack = await startVigil(loadedFrom(at('vigil.yaml')))
  try {
    const { drill } = await observed(stack, BACKUP, (facts) => facts.backup?.made !== undefined)
    assert.deepEqual(drill, { enabled: false })
  } finally {
    await stack.stop()
  }
  const { origin } = await openReader(at('copy', String(stack.journal.epoch)))
  assert.equal(origin, 'vigil.local')
  rmSync(at('copy'), { recursive: true })
})
