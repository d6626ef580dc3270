import { createPrivateKey, type KeyObject } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Command } from 'commander'
import { loadOrCreateKey } from '../../journal/key.ts'
import { JournalError } from '../../journal/error.ts'
import { formatVerifierKey, signNote, verifierKey } from '../../journal/note.ts'
import { messageOf } from '../../model/thrown.ts'
import { parseInstant, toTimestamp } from '../../model/time.ts'
import { formatAttestation } from '../../probes/attestation.ts'
import { ATTESTATION_SUFFIX } from '../../probes/attestations.ts'
import { unreadable } from '../config.ts'
import { CommandError, EXIT } from '../exit.ts'
import { printJson, printLine } from '../output.ts'
import { requireConfig } from './checkConfig.ts'

const HELP = `
KIND is what a rule asks for in evidence.attestation: cps_review, access_review, risk_analysis. The statement is signed with an Ed25519 key (PKCS#8 PEM) as
a C2SP signed note and written into the directory that the configuration names, or into --directory. vigil takes it when the verifier key, which this command prints,
stands in attestations.keys.

Examples:
  $ vigil attest cps_review --subject pki_governance --by jane.doe --expires 2027-11-01 --key jane.key \\
      --statement 'CPS 4.2 reviewed, approved in ticket PKI-815'
  $ vigil attest access_review --subject 'audit_log[ejbca-1]' --by jane.doe --expires 2027-02-01 --key jane.key --new-key \\
      --statement 'Accounts of the CA reviewed' --directory attestations

Exit codes: 0 written, 2 usage, 3 could not be done`

interface Options {
  readonly subject: string
  readonly by: string
  readonly statement: string
  readonly expires: string
  readonly key: string
  readonly newKey?: true
  readonly directory?: string
  readonly config: string
  readonly json?: true
}

export function attestCommand(): Command {
  return new Command('attest')
    .description('sign a statement about what no probe can observe')
    .argument('<kind>', 'such as cps_review')
    .requiredOption('--subject <subject>', 'what it is about: pki_governance, audit_log[ejbca-1]')
    .requiredOption('--by <name>', 'who states it: the name of the key')
    .requiredOption('--statement <text>', 'what is stated')
    .requiredOption('--expires <time>', 'until when it counts: 2027-11-01')
    .requiredOption('--key <file>', 'Ed25519 private key, PKCS#8 PEM')
    .option('--new-key', 'make the key where there is no such file')
    .option('--directory <dir>', 'where the statement goes, instead of a configuration')
    .option('-c, --config <file>', 'configuration file', 'vigil.yaml')
    .option('--json', 'print one JSON document')
    .addHelpText('after', HELP)
    .action(async (kind: string, options: Options) => {
      const written = await attest(kind, options, Date.now())
      if (options.json === true) printJson(written)
      else {
        printLine(written.file)
        printLine(`verifier key: ${written.key}`)
      }
    })
}

async function attest(kind: string, options: Options, at: number): Promise<{ file: string; key: string }> {
  const expires = parseInstant(options.expires)
  if (expires === undefined)
    throw new CommandError(
      EXIT.usage,
      `--expires: expected a date or time such as 2027-11-01, got "${options.expires}"`,
    )
  const { subject, by, statement } = options
  let text: string
  try {
    text = formatAttestation({ kind, subject, by, statement, at, expires })
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new CommandError(EXIT.usage, error.message)
  }
  const directory = options.directory ?? configuredDirectory(options.config)
  const key = options.newKey === true ? await newKey(options.key) : readKey(options.key)
  const name = `${toTimestamp(at).replaceAll(/[:.]/g, '')}-${kind}-${subject.replaceAll(/[^A-Za-z0-9._-]+/g, '_')}`
  const file = join(directory, `${name}${ATTESTATION_SUFFIX}`)
  try {
    mkdirSync(directory, { recursive: true })
    // Under another name until it is whole: vigil may be looking.
    writeFileSync(`${file}.part`, signNote(text, by, key), { flag: 'wx' })
    renameSync(`${file}.part`, file)
  } catch (error) {
    throw new CommandError(EXIT.failed, `${file}: ${messageOf(error)}`)
  }
  return { file, key: formatVerifierKey(verifierKey(by, key)) }
}

function configuredDirectory(file: string): string {
  const { attestations } = requireConfig(file, { endedWaivers: 'warn' })
  if (attestations !== undefined) return attestations.directory
  throw new CommandError(
    EXIT.usage,
    `${file}: there is no attestations.directory: add it, or give --directory`,
  )
}

async function newKey(file: string): Promise<KeyObject> {
  try {
    return await loadOrCreateKey(file)
  } catch (error) {
    if (!(error instanceof JournalError)) throw error
    throw new CommandError(EXIT.usage, `--key ${error.message}`)
  }
}

function readKey(file: string): KeyObject {
  let pem: string
  try {
    pem = readFileSync(file, 'utf8')
  } catch (error) {
    throw new CommandError(EXIT.usage, `--key ${file}: ${unreadable(error)}, or give --new-key`)
  }
  try {
    const key = createPrivateKey(pem)
    if (key.asymmetricKeyType === 'ed25519') return key
  } catch {
    // Said below.
  }
  throw new CommandError(EXIT.usage, `--key ${file}: expected an Ed25519 private key in PKCS#8 PEM`)
}
