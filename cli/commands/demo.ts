import { Command } from 'commander'

const HELP = `
Everything is real: keys, CRLs, OCSP answers, TLS handshakes, log lines, the alert, the webhook, the PDF. Certificates and CRLs live
minutes, so that nobody's clock needs to be faked. Nothing but loopback is used.

Examples:
  $ vigil demo                     tells the story, then stays up with the page open to play with; Ctrl-C ends it
  $ vigil demo --once              tells the story and ends; exit code 0 only if every step really happened
  $ vigil demo --once --keep out   leaves journal/, vigil.db, report.pdf, report.html and report.json in out/`

export function demoCommand(): Command {
  return new Command('demo')
    .description('a real PKI in miniature: watched, broken, alarmed, repaired and reported')
    .option('--once', 'run the story to its end and exit')
    .option('--keep <dir>', 'leave the evidence and the report there')
    .addHelpText('after', HELP)
    .action(async (options: { once?: true; keep?: string }) => {
      // The product itself imports nothing of the lab; only this command loads it.
      const { runDemo } = await import('../demo/runDemo.ts')
      process.exitCode = await runDemo({ once: options.once === true, keep: options.keep })
    })
}
