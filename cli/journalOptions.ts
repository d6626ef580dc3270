import { randomBytes } from 'node:crypto'
import type { JournalOptions } from '../journal/journal.ts'
import type { Clock } from '../model/time.ts'
import type { LoadedConfig } from './load.ts'

/** How the journal of this configuration is opened for writing. */
export function journalOptions(loaded: LoadedConfig, now: Clock) {
  return {
    directory: loaded.journalDirectory,
    origin: loaded.config.origin,
    keyFile: loaded.keyFile,
    signCommand: loaded.signCommand,
    now,
    random: randomBytes,
  } satisfies JournalOptions
}
