import { randomUUID } from 'node:crypto'
import { after, before, describe } from 'node:test'
import { openElasticsearchStore } from '../../store/elasticsearch/store.ts'
import { needsElasticsearch, startElasticsearch } from '../support/elasticsearch.ts'
import type { TestElasticsearch } from '../support/elasticsearch.ts'
import { storeContract } from './contract.ts'

void describe('on a real Elasticsearch', needsElasticsearch(), () => {
  let server: TestElasticsearch
  before(async () => {
    server = await startElasticsearch()
  })
  after(async () => {
    await server[Symbol.asyncDispose]()
  })

  storeContract('elasticsearch', () => {
    const prefix = `vigil-${randomUUID()}`
    return Promise.resolve({
      open: () => openElasticsearchStore({ url: server.url, prefix }),
      remove: () => server.remove(prefix),
    })
  })
})
