import type { LogConfig } from '../../model/config.ts'
import type { Format } from '../format.ts'
import { ejbca } from './ejbca.ts'

/** Every log format there is, by the name it has in the configuration. */
export const FORMATS: Readonly<Record<LogConfig['format'], Format>> = { ejbca }
