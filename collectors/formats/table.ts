import type { LogConfig } from '../../model/config.ts'
import type { Format, FormatSettings } from '../format.ts'
import { certctl } from './certctl.ts'
import { dagster } from './dagster.ts'
import { dogtag } from './dogtag.ts'
import { ejbca } from './ejbca.ts'
import { ejbcaCsv } from './ejbcaCsv.ts'
import { jsonFormat } from './json.ts'

/** Every log format there is, by the name it has in the configuration. */
export const FORMATS: Readonly<Record<LogConfig['format'], (settings: FormatSettings) => Format>> = {
  ejbca: () => ejbca,
  'ejbca-csv': () => ejbcaCsv,
  dogtag: ({ signers = [] }) => dogtag(signers),
  certctl: () => certctl,
  dagster: () => dagster,
  json: ({ json }) => jsonFormat(json),
}
