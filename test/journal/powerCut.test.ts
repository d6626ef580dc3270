import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import type { Journal } from '../../journal/journal.ts'
import type { NewRecord } from '../../model/record.ts'
import { makeBench, open, verify } from './bench.ts'
import { MemoryDisk } from './memoryDisk.ts'
import { numbered, numberOf, readAll, seeded } from './support.ts'

/** Journals that live through it; VIGIL_POWER_CUTS asks for more. */
const RUNS = Number(process.env['VIGIL_POWER_CUTS'] ?? 24)
const CUTS_PER_RUN = 3
const HOUR = 3_600_000

/** A record that names an artifact, which the verifier then looks for. */
async function withArtifact(journal: Journal, number: number): Promise<NewRecord> {
  const bytes = Buffer.from(`artifact ${number} `.repeat(number % 5 === 0 ? 8000 : 3))
  const artifact = await journal.putArtifact({ mediaType: 'text/plain', bytes })
  const artifacts = [{ ...artifact, name: 'pack' }]
  return { kind: 'configuration', time: numbered(1).time, body: { by: 'test', product: '0', artifacts } }
}

describe('power cuts at any moment', () => {
  test(`lose nothing that was acknowledged and repeat nothing (${RUNS * CUTS_PER_RUN} cuts)`, async (t) => {
    for (let run = 0; run < RUNS; run++) {
      const random = seeded(run)
      const bench = await makeBench(t)
      const acknowledged = new Set<number>()
      let next = 1
      if (run % 8 === 0) {
        // So many entries that full tiles come about on the way.
        const journal = await open(bench)
        for (let i = 0; i < 240; i++) await journal.append([numbered(next++)])
        await journal.close()
      }
      for (let cut = 0; cut < CUTS_PER_RUN; cut++) {
        const label = `run ${run}, cut ${cut}`
        // Power goes at some moment; from then on the disk does nothing.
        let left = Math.floor(random() * 70)
        bench.disk.before = () => {
          if (left-- <= 0) throw new Error('power cut')
        }
        const journal = await open(bench).catch((error: unknown) => {
          if (left > 0) throw error
          return undefined
        })
        for (let step = 0; step < 12 && left > 0 && journal !== undefined; step++) {
          const numbers = Array.from({ length: 1 + Math.floor(random() * 20) }, () => next++)
          const choice = random()
          if (choice < 0.2) bench.clock.ms += HOUR
          if (choice > 0.7) await journal.publish().catch(() => undefined)
          const records: NewRecord[] = numbers.map((n) => numbered(n))
          try {
            if (random() < 0.5) records.push(await withArtifact(journal, next))
            await journal.append(records)
            for (const n of numbers) acknowledged.add(n)
          } catch {
            // Refused: then it need not be there.
          }
        }
        await journal?.close().catch(() => undefined)

        bench.disk = MemoryDisk.of(bench.disk.powerCut(random))
        const again = await open(bench)
        const found = (await readAll(again)).map(numberOf).filter((n) => n !== undefined)
        assert.equal(new Set(found).size, found.length, `${label}: something is twice`)
        const missing = [...acknowledged].filter((n) => !found.includes(n))
        assert.deepEqual(missing, [], `${label}: something is missing`)
        assert.deepEqual(
          found,
          found.toSorted((a, b) => a - b),
          `${label}: the order is another`,
        )
        // What was not acknowledged and is there nevertheless stays from here on.
        for (const n of found) acknowledged.add(n)
        await again.close()
        const report = await verify(bench)
        assert.equal(report.fault, undefined, label)
      }
    }
  })
})
