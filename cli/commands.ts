import type { Command } from 'commander'

/**
 * Every command there is, in the order of the help. Each is loaded when it is asked for: most need little of the program, and all of it takes half a
 * second and 70 MB.
 */
export const COMMANDS: ReadonlyMap<string, () => Promise<Command>> = new Map([
  ['demo', () => import('./commands/demo.ts').then(({ demoCommand }) => demoCommand())],
  ['init', () => import('./commands/init.ts').then(({ initCommand }) => initCommand())],
  ['run', () => import('./commands/run.ts').then(({ runCommand }) => runCommand())],
  [
    'check-config',
    () => import('./commands/checkConfig.ts').then(({ checkConfigCommand }) => checkConfigCommand()),
  ],
  ['incident', () => import('./commands/incident.ts').then(({ incidentCommand }) => incidentCommand())],
  ['probe', () => import('./commands/probe.ts').then(({ probeCommand }) => probeCommand())],
  ['inspect', () => import('./commands/inspect.ts').then(({ inspectCommand }) => inspectCommand())],
  ['parse', () => import('./commands/parse.ts').then(({ parseCommand }) => parseCommand())],
  ['rules', () => import('./commands/rules.ts').then(({ rulesCommand }) => rulesCommand())],
  ['explain', () => import('./commands/explain.ts').then(({ explainCommand }) => explainCommand())],
  ['forecast', () => import('./commands/forecast.ts').then(({ forecastCommand }) => forecastCommand())],
  ['calendar', () => import('./commands/calendar.ts').then(({ calendarCommand }) => calendarCommand())],
  ['attest', () => import('./commands/attest.ts').then(({ attestCommand }) => attestCommand())],
  ['lab', () => import('./commands/lab.ts').then(({ labCommand }) => labCommand())],
  ['report', () => import('./commands/report.ts').then(({ reportCommand }) => reportCommand())],
  ['journal', () => import('./commands/journal.ts').then(({ journalCommand }) => journalCommand())],
  ['store', () => import('./commands/store.ts').then(({ storeCommand }) => storeCommand())],
  ['rebuild', () => import('./commands/store.ts').then(({ rebuildCommand }) => rebuildCommand())],
  ['backup', () => import('./commands/backup.ts').then(({ backupCommand }) => backupCommand())],
  ['restore', () => import('./commands/backup.ts').then(({ restoreCommand }) => restoreCommand())],
  [
    'restore-drill',
    () => import('./commands/backup.ts').then(({ restoreDrillCommand }) => restoreDrillCommand()),
  ],
  ['verify', () => import('./commands/verify.ts').then(({ verifyCommand }) => verifyCommand())],
])
