import { Command } from 'commander'
import { formatPath, formatProblem } from '../../model/problem.ts'
import { CommandError, EXIT } from '../exit.ts'
import { loadConfig, type LoadedConfig, type LoadOptions } from '../load.ts'
import { printJson, printLine } from '../output.ts'
import { unwatched } from '../unwatched.ts'

export function checkConfigCommand(): Command {
  return new Command('check-config')
    .description('read the configuration and everything that it names, and report every mistake')
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--json', 'print one JSON document')
    .addHelpText('after', '\nExample:\n  $ vigil check-config -c /etc/vigil/vigil.yaml')
    .action((options: { config: string; json?: true }) => {
      const { config, targets, packs } = requireConfig(options.config)
      const { authorities, services, logs } = config.inventory
      const probes = Object.fromEntries(
        [...Map.groupBy(targets, ({ probe }) => probe)].map(([probe, own]) => [probe, own.length]),
      )
      const missing = unwatched(config.inventory)
      const rules = packs.reduce((sum, pack) => sum + pack.rules.length, 0)
      if (options.json === true)
        printJson({
          ok: true,
          authorities: authorities.length,
          services: services.length,
          logs: logs.length,
          targets: targets.length,
          probes,
          unwatched: missing,
          rules,
        })
      else {
        printLine(
          `${options.config}: fine: ${authorities.length} authorities, ${services.length} services, ${logs.length} logs; ` +
            `${targets.length} targets to probe, ${rules} rules`,
        )
        const kinds = Object.entries(probes).map(([probe, count]) => `${count} ${probe}`)
        if (kinds.length > 0) printLine(`  probes: ${kinds.join(', ')}`)
        for (const line of missing) printLine(`  not watched: ${line}`)
      }
    })
}

/** The loaded configuration, or the end of the command with every mistake in it. */
export function requireConfig(file: string, options: LoadOptions = {}): LoadedConfig {
  const loaded = loadConfig(file, process.env, options)
  if (loaded.ok) return loaded.value
  const { problems } = loaded
  const lines = problems.map((problem) => `  ${formatProblem(problem)}`)
  throw new CommandError(
    EXIT.usage,
    `the configuration has ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}:\n${lines.join('\n')}`,
    { ok: false, problems: problems.map((problem) => ({ ...problem, key: formatPath(problem.path) })) },
  )
}
