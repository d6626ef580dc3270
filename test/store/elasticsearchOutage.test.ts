import assert from 'node:assert/strict'
import { join } from 'node:path'
import { it } from 'node:test'
import { LIFETIMES, SETTINGS } from '../../cli/demo/settings.ts'
import { compareProjection, rebuildProjection } from '../../cli/projection.ts'
import { openReader } from '../../journal/reader.ts'
import { startLab } from '../../lab/lab.ts'
import { compareWithJournal } from '../../store/compare.ts'
import { openElasticsearchStore } from '../../store/elasticsearch/store.ts'
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { needsElasticsearch, startElasticsearch } from '../support/elasticsearch.ts'
import { loadedFrom, startVigil, writeQuickYaml } from '../support/stack.ts'
import { temporaryDirectory } from '../support/vigil.ts'

/** Longest that anything but the start of the server may take here, in ms. */
const STEP = 60_000

it(
  'M05: goes on watching while Elasticsearch is killed, says that it is behind, and afterwards the projection is equal to the journal',
  { ...needsElasticsearch(), timeout: 600_000 },
  async () => {
    await using server = await startElasticsearch()
    using directory = temporaryDirectory()
    await using lab = await startLab({
      directory: join(directory.path, 'lab'),
      now: Date.now,
      lifetimes: LIFETIMES,
    })
    const file = await writeQuickYaml(lab, {
      directory: directory.path,
      rules: {
        ...SETTINGS.rules,
        parameters: { ...SETTINGS.rules?.parameters, monitor_elasticsearch_current: { max_lag: '2s' } },
      },
    })
    const loaded = loadedFrom(file)
    const elasticsearch = { url: server.url, prefix: 'vigil-outage' }
    const stack = await startVigil({ ...loaded, elasticsearch })
    const decided = async (rule: string, state: string): Promise<void> => {
      for await (const batch of stack.journal.follow(undefined, AbortSignal.timeout(STEP)))
        if (batch.length > 0 && stack.findings().some((f) => f.rule === rule && f.state === state)) return
      assert.fail(`${rule} was not ${state} within ${STEP} ms`)
    }
    const problems = async (): Promise<string> =>
      await (await fetch(new URL('/api/status', stack.url))).text()

    try {
      await decided('ocsp_responder_available', 'pass')
      await stack.elasticsearch?.caughtUp()
      assert.doesNotMatch(await problems(), /elasticsearch:/)

      await server.kill()
      const before = stack.journal.size
      await lab.break('ocsp-down', 'issuing-2')
      await decided('ocsp_responder_available', 'fail')
      assert.ok(stack.journal.size > before, 'intake goes on')
      assert.match(await problems(), /elasticsearch:/)
      await decided('monitor_elasticsearch_current', 'fail')

      await server.restart()
      await stack.elasticsearch?.caughtUp()
      await decided('monitor_elasticsearch_current', 'pass')
      assert.doesNotMatch(await problems(), /elasticsearch:/)
      await lab.repair('ocsp-down', 'issuing-2')
    } finally {
      await stack.stop()
    }

    const store = await openElasticsearchStore(elasticsearch)
    const reference = await openSqliteStore({ file: join(directory.path, 'reference.db') })
    const reader = await openReader(loaded.journalDirectory)
    const { behind, compared, differences } = await compareWithJournal(reader.read(), store, reference)
    assert.deepEqual({ behind, differences }, { behind: 0, differences: [] })
    assert.ok(compared > 50, `${compared} were compared`)
    await reference.close()
    await store.close()

    const projected = { ...loaded, elasticsearch }
    const records = await rebuildProjection(projected, 'elasticsearch', () => undefined)
    assert.ok(records > 50, `${records} were applied`)
    const again = await compareProjection(projected, 'elasticsearch', () => undefined)
    assert.deepEqual([again.behind, again.differences], [0, []])
  },
)
