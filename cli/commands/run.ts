import { hostname, userInfo } from 'node:os'
import { Command } from 'commander'
import { CommandError, EXIT } from '../exit.ts'
import { createLogger } from '../logger.ts'
import { startStack } from '../stack.ts'
import { firstSignal } from '../signals.ts'
import { requireConfig } from './checkConfig.ts'

const HELP = `
Runs until SIGINT or SIGTERM, then journals what is under way, publishes a checkpoint and ends; a second signal ends it at once.
Page, metrics and API are read-only and have no authentication: keep server.listen on loopback, or behind a proxy that has one.

Example:
  $ vigil run -c /etc/vigil/vigil.yaml`

export function runCommand(): Command {
  return new Command('run')
    .description('watch what the configuration declares: probe, collect, journal, judge, alert, remediate')
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--verbose', 'log more')
    .addHelpText('after', HELP)
    .action(async (options: { config: string; verbose?: true }) => {
      const loaded = requireConfig(options.config)
      const logger = createLogger(process.stderr, options.verbose === true ? 'debug' : 'info')
      // Before the start: the first process of a container gets no signal that it has no handler for.
      const signal = firstSignal()
      const stack = await startStack({ loaded, now: Date.now, logger, by: currentUser() })
      const ended = await Promise.race([signal, stack.failed])
      if (typeof ended === 'string') logger.info(`${ended}: stopping`)
      await stack.stop()
      logger.info('stopped')
      if (ended instanceof Error) throw new CommandError(EXIT.failed, `stopped: ${ended.message}`)
    })
}

/** Who acts, for the journal: `user@host`; the uid where it has no name, as in most containers. */
export function currentUser(): string {
  return `${userName()}@${hostname()}`
}

function userName(): string {
  try {
    return userInfo().username
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`
  }
}
