import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { FILE_HEAD_OCTETS } from '../../collectors/eventId.ts'
import { startsWithTime } from '../../collectors/formats/wildfly.ts'
import { MAX_RECORD_OCTETS } from '../../collectors/sources/records.ts'
import { ingestPipeline } from '../../filebeat/pipeline.ts'

const read = (name: string) => readFileSync(new URL(`../../filebeat/${name}`, import.meta.url), 'utf8')

const configSchema = z.looseObject({
  'filebeat.inputs': z.array(
    z.looseObject({
      message_max_bytes: z.number(),
      parsers: z.tuple([z.object({ multiline: z.looseObject({ pattern: z.string() }) })]),
    }),
  ),
  'output.elasticsearch': z.looseObject({ ssl: z.looseObject({}) }),
})

const outputSchema = z.looseObject({ worker: z.number(), ssl: z.looseObject({}) })

void describe('what is delivered for Filebeat', () => {
  const config = configSchema.parse(parse(read('filebeat.yml'), { merge: true }))

  void it('has the pipeline that the event types and the script make', () => {
    assert.equal(read('ingest-pipeline.json'), ingestPipeline(), 'node scripts/generate.ts writes it')
  })

  void it('listens nowhere, sends nothing else and sets up nothing', () => {
    for (const switched of [
      'http.enabled',
      'monitoring.enabled',
      'setup.template.enabled',
      'setup.ilm.enabled',
      'setup.dashboards.enabled',
    ])
      assert.equal(config[switched], false, switched)
    const names = ['filebeat.inputs', 'processors', 'queue.disk', 'output.elasticsearch', 'logging.level']
    const others = Object.keys(config).filter((name) => !names.includes(name) && config[name] !== false)
    assert.deepEqual(others, [])
  })

  void it('asks who the server is', () => {
    const { ssl } = config['output.elasticsearch']
    assert.equal(ssl['verification_mode'], 'full')
    assert.deepEqual(ssl['supported_protocols'], ['TLSv1.2', 'TLSv1.3'])
  })

  void it('ships the same records with the same ids to vigil', () => {
    const toVigil = configSchema
      .omit({ 'output.elasticsearch': true })
      .parse(parse(read('filebeat-vigil.yml'), { merge: true }))
    for (const shared of [
      'filebeat.inputs',
      'processors',
      'queue.disk',
      'http.enabled',
      'monitoring.enabled',
    ])
      assert.deepEqual(toVigil[shared], config[shared], shared)
    const output = outputSchema.parse(toVigil['output.logstash'])
    assert.equal(output.worker, 1)
    assert.deepEqual(Object.keys(output.ssl), Object.keys(config['output.elasticsearch'].ssl))
    assert.equal(output.ssl['verification_mode'], 'full')
    const processors = z.array(z.object({ fingerprint: z.looseObject({}) })).parse(config['processors'])
    assert.deepEqual(processors[0]?.fingerprint['fields'], [
      'position.source',
      'log.file.fingerprint',
      'log.offset',
      'message',
    ])
    for (const input of z
      .array(
        z.looseObject({
          'prospector.scanner': z.looseObject({ fingerprint: z.object({ length: z.number() }) }),
        }),
      )
      .parse(toVigil['filebeat.inputs']))
      assert.equal(input['prospector.scanner'].fingerprint.length, FILE_HEAD_OCTETS)
  })

  void it('begins a record where the product begins one, and cuts it where the product does', () => {
    const lines = {
      '2026-11-22 05:01:17,145 INFO  [a] (b) c': true,
      '05:01:17,145 INFO  [a] (b) c': true,
      '2026-11-22 05:01:17+00:00;A;VOID': true,
      '2026-11-22 05:01:17-11:30;A;VOID': true,
      '05:01:17+00:00;A;VOID': false,
      '2026-11-22 05:01:17;A': false,
      ' 2026-11-22 05:01:17,145 INFO': false,
      '\tat org.ejbca.Some': false,
      '': false,
    }
    for (const input of config['filebeat.inputs']) {
      const pattern = new RegExp(input.parsers[0].multiline.pattern)
      for (const [line, starts] of Object.entries(lines)) {
        assert.equal(pattern.test(line), starts, line)
        assert.equal(startsWithTime(Buffer.from(line)), starts, line)
      }
      assert.equal(input.message_max_bytes, MAX_RECORD_OCTETS)
    }
  })
})
