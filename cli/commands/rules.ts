import { Command } from 'commander'
import { formatDuration, formatInstant } from '../../model/time.ts'
import { formatRead } from '../../rules/cel.ts'
import { readsOf } from '../../rules/evaluate.ts'
import { loadPack, SHIPPED_PACKS } from '../../rules/loadPack.ts'
import type { Pack, Rule } from '../../rules/pack.ts'
import { formatValue, resolveSettings, type ParameterOverrides } from '../../rules/parameters.ts'
import { printJson, printLine } from '../output.ts'
import { readPacks } from '../packs.ts'
import { paint, printable, table } from '../terminal.ts'
import { requireConfig } from './checkConfig.ts'
import { rulesTestCommand } from './rulesTest.ts'

const LINT_HELP = `
Needs no configuration. Without FILE it checks the packs that come along. Several files are checked together, as if one configuration named them.

Examples:
  $ vigil rules lint own-rules.yaml
  $ vigil rules lint internal-pki ./own-rules.yaml --json

Exit codes: 0 fine, 2 a pack has mistakes`

const LIST_HELP = `
With a configuration: the rules that it chooses, with its parameters. With --shipped: every rule that comes along.

Examples:
  $ vigil rules list -c vigil.yaml
  $ vigil rules list --shipped --json`

export function rulesCommand(): Command {
  const rules = new Command('rules').description(
    'rule packs: check them, list what they hold, try them on other times',
  )
  rules
    .command('lint')
    .description('check packs: their form, the types of their conditions, that no rule stands twice')
    .argument('[file...]', 'a .yaml file, or the name of a pack that comes along')
    .option('--json', 'print one JSON document')
    .addHelpText('after', LINT_HELP)
    .action((files: readonly string[], options: { json?: true }) => {
      const packs = readPacks(files.length === 0 ? SHIPPED_PACKS : files)
      const counts = packs.map(({ id, version, file, rules: own }) => ({
        id,
        version,
        file,
        rules: own.length,
      }))
      if (options.json === true) printJson({ ok: true, packs: counts })
      else
        for (const { id, version, file, rules: n } of counts)
          printLine(`${file}: fine: ${id} ${version}, ${n} rules`)
    })
  rules
    .command('list')
    .description('the rules in force, with source, dates and parameters')
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--shipped', 'the packs that come along, instead of a configuration')
    .option('--json', 'print one JSON document')
    .addHelpText('after', LIST_HELP)
    .action((options: { config: string; shipped?: true; json?: true }) => {
      const { packs, parameters } = options.shipped === true ? shipped() : chosen(options.config)
      const documents = packs.flatMap((pack) =>
        pack.rules.map((rule) => ruleDocument(rule, pack, parameters)),
      )
      if (options.json === true) printJson({ rules: documents })
      else printRules(documents)
    })
  rules.addCommand(rulesTestCommand())
  return rules
}

interface Chosen {
  readonly packs: readonly Pack[]
  readonly parameters: ParameterOverrides
}

function shipped(): Chosen {
  return { packs: SHIPPED_PACKS.map(loadPack), parameters: {} }
}

function chosen(file: string): Chosen {
  const { packs, config } = requireConfig(file, { endedWaivers: 'warn' })
  return { packs, parameters: config.rules.parameters }
}

/** A rule as `--json` prints it. */
function ruleDocument(rule: Rule, pack: Pack, overrides: ParameterOverrides) {
  const { settings } = resolveSettings(rule, overrides[rule.id] ?? {})
  const date = (ms: number): string | null => (Number.isFinite(ms) ? formatInstant(ms) : null)
  return {
    id: rule.id,
    pack: pack.id,
    packVersion: pack.version,
    title: rule.title,
    rationale: rule.rationale,
    severity: rule.severity,
    source: rule.source,
    effective: { from: date(rule.effective.from), until: date(rule.effective.until) },
    judgedBy: rule.judgedBy,
    appliesTo: rule.appliesTo,
    attestation: rule.attestation ?? null,
    given: rule.given?.source ?? null,
    when: rule.when?.source ?? null,
    condition: rule.condition.source,
    facts: [...new Set(readsOf(rule).map(formatRead))],
    parameters: Object.fromEntries(
      Object.keys(rule.parameters).map((name) => [
        name,
        settings.versions.flatMap(({ written, origins }, i) => {
          const value = written[name]
          const before = settings.versions[i - 1]?.written[name]
          const origin = origins[name]
          if (value === undefined || origin === undefined || (i > 0 && value === before)) return []
          return [
            {
              value,
              from: origin.from === undefined ? null : formatInstant(origin.from),
              origin: origin.origin,
            },
          ]
        }),
      ]),
    ),
    for: formatDuration(settings.for),
    unknownFor: formatDuration(settings.unknownFor),
    remediation: rule.remediation ?? null,
    runbook: rule.runbook ?? null,
    file: pack.file,
    line: rule.line,
  }
}

function printRules(rules: readonly ReturnType<typeof ruleDocument>[]): void {
  const rows = rules.map((rule) => [
    paint(process.stdout, 'bold', rule.id),
    rule.pack,
    rule.severity,
    printable(rule.title),
    Object.entries(rule.parameters)
      .map(([name, values]) => {
        const texts = values.map(
          ({ value, from }) => `${formatValue(value)}${from === null ? '' : ` from ${from}`}`,
        )
        return printable(`${name} ${texts.join(', ')}`)
      })
      .join('; '),
  ])
  printLine(table(rows))
}
