// The ingest pipeline `ejbca`: what collectors/formats/ejbca.ts makes of a record, made by Elasticsearch. Generated, so that
// the event types are those of the product; the rest of the script is held to it by the tests.
import { readFileSync } from 'node:fs'
import { EJBCA_EVENTS, OTHER } from '../collectors/formats/ejbcaEvents.ts'
import type { EventClass } from '../collectors/formats/ejbcaEvents.ts'
import { SERVER_LINES } from '../collectors/formats/ejbcaServer.ts'

/** Functions first, as Painless wants them; the last part is the script itself. */
const PARTS = ['wildfly', 'line', 'message', 'event']

/** Everything else that Filebeat or a proxy adds is removed: the mappings are strict. */
const KEPT = [
  '@timestamp',
  'message',
  'position.source',
  'log.offset',
  'log.flags',
  'log.file.path',
  'log.file.fingerprint',
  'host.name',
  'agent.id',
  'agent.name',
  'agent.type',
  'agent.version',
  'ecs.version',
]

/** `category/type,type`, which the script takes apart. */
const shortOf = ({ category, type }: EventClass): string => `${category.join()}/${type.join()}`

/** Painless takes patterns as constants only. */
function serverMatcher(): string {
  const cases = SERVER_LINES.map(
    ({ pattern }, i) => `  if (i == ${i}) { return /${pattern.source.slice(1)}/.matcher(text); }`,
  )
  return `// Pattern of the i-th line of \`lines\`; generated.
Matcher serverMatcher(int i, String text) {
${cases.join('\n')}
  throw new IllegalArgumentException('no such line');
}
`
}

function script(): string {
  const parts = PARTS.map((name) =>
    readFileSync(new URL(`./pipeline/${name}.painless`, import.meta.url), 'utf8'),
  )
  return [serverMatcher(), ...parts].join('\n')
}

/** The text of filebeat/ingest-pipeline.json. */
export function ingestPipeline(): string {
  const events = Object.fromEntries(
    [...EJBCA_EVENTS, ['', OTHER] as const].map(([name, c]) => [name, shortOf(c)]),
  )
  const lines = SERVER_LINES.map(({ category, code, outcome, eventClass, fields }) => ({
    category,
    code,
    outcome,
    eventClass: shortOf(eventClass),
    fields,
  }))
  const pipeline = {
    description: 'Records of EJBCA, shipped by Filebeat, to events in Elastic Common Schema (PKI Vigil)',
    processors: [
      { remove: { keep: KEPT } },
      {
        script: {
          description: 'generated from filebeat/pipeline/*.painless',
          params: { events, lines },
          source: script(),
        },
      },
    ],
    // Whatever goes wrong, the record is kept, and says so.
    on_failure: [
      { rename: { field: 'message', target_field: 'event.original', ignore_missing: true } },
      { set: { field: 'event.created', copy_from: '@timestamp' } },
      { set: { field: 'event.id', copy_from: '_id', ignore_empty_value: true } },
      { set: { field: 'event.module', value: 'ejbca' } },
      { set: { field: 'event.dataset', value: 'ejbca.audit' } },
      { set: { field: 'event.action', value: 'unparsed' } },
      { set: { field: 'event.outcome', value: 'unknown' } },
      { append: { field: 'event.type', value: 'error' } },
      { set: { field: 'event.reason', copy_from: '_ingest.on_failure_message' } },
      { set: { field: 'error.message', copy_from: '_ingest.on_failure_message' } },
      { set: { field: '_index', value: 'ejbca-audit-undated' } },
    ],
  }
  return `${JSON.stringify(pipeline, null, 2)}\n`
}
