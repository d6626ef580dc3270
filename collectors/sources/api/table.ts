import type { LogConfig } from '../../../model/config.ts'
import type { Clock } from '../../../model/time.ts'
import type { CollectorError } from '../../error.ts'
import { CertctlHistory } from './certctl.ts'
import { ApiClient } from './client.ts'
import type { ApiAccess } from './client.ts'
import { DagsterHistory } from './dagster/history.ts'
import { DagsterServer } from './dagster/server.ts'
import { DocumentIndex } from './elasticsearch/documents.ts'
import { ElasticsearchHistory } from './elasticsearch/history.ts'
import { ApiSource } from './source.ts'

interface ApiLog {
  readonly log: LogConfig
  readonly access: ApiAccess
  /** What the journal has of this log. */
  readonly positions: readonly { readonly fingerprint: string; readonly end: number }[]
  readonly now: Clock
  readonly onProblem: (problem: CollectorError) => void
}

/** The source of a log that is asked for, by the API that the configuration names. */
export function sourceOver({ log, access, positions, now, onProblem }: ApiLog): ApiSource {
  const source = log.id
  const client = new ApiClient(access)
  if (log.certctl !== undefined) {
    const { interval, since } = log.certctl
    const history = new CertctlHistory({ source, client, positions, since, now })
    return new ApiSource({ source, history, interval, onProblem })
  }
  if (log.elasticsearch !== undefined) {
    const { index, interval, compare, origin = source } = log.elasticsearch
    const documents = new DocumentIndex({ client, index, origin })
    const history = new ElasticsearchHistory({ source, index: documents, positions, compare, now })
    return new ApiSource({ source, history, interval, onProblem })
  }
  if (log.dagster !== undefined) {
    const { interval, since } = log.dagster
    const history = new DagsterHistory({ source, server: new DagsterServer(client), positions, since, now })
    return new ApiSource({ source, history, interval, onProblem })
  }
  throw new TypeError(`log ${source}: no API is declared`)
}
