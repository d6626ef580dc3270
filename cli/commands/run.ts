import { Command } from 'commander'
import type { Logger } from 'pino'
import { messageOf } from '../../model/thrown.ts'
import { currentUser } from '../currentUser.ts'
import { CommandError, EXIT } from '../exit.ts'
import { loadConfig } from '../load.ts'
import { createLogger } from '../logger.ts'
import { startStack, type Stack } from '../stack.ts'
import { firstSignal } from '../signals.ts'
import { requireConfig } from './checkConfig.ts'

const HELP = `
SIGHUP reads the configuration again and takes over rule packs, parameters, waivers and maintenance; with a mistake in it, what is in force stays.
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
      const loaded = requireConfig(options.config, { endedWaivers: 'warn' })
      const logger = createLogger(process.stderr, options.verbose === true ? 'debug' : 'info')
      // Before the start: the first process of a container gets no signal that it has no handler for.
      const signal = firstSignal()
      let reload = (): void => undefined
      process.on('SIGHUP', () => reload())
      const stack = await startStack({ loaded, now: Date.now, logger, by: currentUser() })
      reload = () => {
        void reloadRules(stack, options.config, logger)
      }
      const ended = await Promise.race([signal, stack.failed])
      reload = () => undefined
      if (typeof ended === 'string') logger.info(`${ended}: stopping`)
      await stack.stop()
      logger.info('stopped')
      if (ended instanceof Error) throw new CommandError(EXIT.failed, `stopped: ${ended.message}`)
    })
}

/** What went wrong stands among the problems of the process; the rules before stay in force. */
async function reloadRules(stack: Stack, file: string, logger: Logger): Promise<void> {
  try {
    const problems = await stack.reload(() => loadConfig(file, process.env))
    if (problems.length === 0) logger.info('rules and waivers are reloaded')
  } catch (error) {
    logger.error({ part: 'configuration' }, messageOf(error))
  }
}
