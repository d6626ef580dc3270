// Writes the generated files that are committed; the tests fail when they drift from their source.
import { writeFileSync } from 'node:fs'
import { configJsonSchema } from '../cli/config.ts'
import { overview } from '../dashboards/grafana/overview.ts'
import { auditTimelineFile } from '../dashboards/kibana/auditTimeline.ts'
import { prometheusRules } from '../dashboards/prometheus/rules.ts'
import { ingestPipeline } from '../filebeat/pipeline.ts'
import { loadPack, SHIPPED_PACKS } from '../rules/loadPack.ts'
import { packJsonSchema } from '../rules/packSchema.ts'

writeFileSync('docs/vigil.schema.json', `${JSON.stringify(configJsonSchema(), null, 2)}\n`)
writeFileSync('docs/pack.schema.json', `${JSON.stringify(packJsonSchema(), null, 2)}\n`)
writeFileSync('dashboards/prometheus/vigil.rules.yml', prometheusRules(SHIPPED_PACKS.map(loadPack)))
writeFileSync('dashboards/grafana/overview.json', `${JSON.stringify(overview(), null, 2)}\n`)
writeFileSync('dashboards/kibana/audit-timeline.ndjson', auditTimelineFile())
writeFileSync('filebeat/ingest-pipeline.json', ingestPipeline())
