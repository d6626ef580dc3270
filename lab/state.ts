// Where a running lab can be found: a file with its address and token, readable by its owner only.
import { chmod, mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { z } from 'zod'
import { LabError } from './error.ts'

const FILE_NAME = 'lab.json'

const stateSchema = z.object({
  version: z.literal(1),
  /** Control endpoint; never anything but loopback, because the token is sent there. */
  url: z.string().regex(/^http:\/\/127\.0\.0\.1:\d{1,5}$/, 'expected http://127.0.0.1:port'),
  token: z.string().regex(/^[A-Za-z0-9_-]{32,}$/, 'expected a token'),
  directory: z.string(),
  pid: z.int(),
})
export type LabState = z.output<typeof stateSchema>

export function stateFileIn(directory: string): string {
  return join(directory, FILE_NAME)
}

/** The file through which `vigil lab break …` finds this user's lab without being told where it is. */
export function userStateFile(env: NodeJS.ProcessEnv = process.env): string {
  const configured = env['XDG_STATE_HOME']
  const base = configured !== undefined && configured !== '' ? configured : join(homedir(), '.local', 'state')
  return join(base, 'pki-vigil', FILE_NAME)
}

/** Replaces the file; mode 0600 from its first byte on. */
export async function writeState(file: string, state: LabState): Promise<void> {
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  const temporary = `${file}.${state.pid}.${state.token.slice(0, 8)}`
  await writeFile(temporary, `${JSON.stringify(state, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
  await chmod(temporary, 0o600)
  await rename(temporary, file)
}

/** Removes the file unless another lab has written its own there. */
export async function removeState(file: string, state: LabState): Promise<void> {
  const now = await readState(file).catch(() => undefined)
  if (now?.token === state.token) await rm(file, { force: true })
}

/** LabError `not_running` when there is no file, `bad_state_file` when it is not one of ours. */
export async function readState(file: string): Promise<LabState> {
  let text: string
  try {
    const { mode } = await stat(file)
    // Somebody else's permission to write here would decide whom we talk to. Windows has no such mode.
    if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
      throw new LabError('bad_state_file', `expected ${file} to be accessible to its owner only (mode 0600)`)
    }
    text = await readFile(file, 'utf8')
  } catch (cause) {
    if (cause instanceof LabError) throw cause
    throw new LabError('not_running', `no lab is running: there is no ${file}`, { cause })
  }
  try {
    return stateSchema.parse(JSON.parse(text))
  } catch (cause) {
    throw new LabError('bad_state_file', `expected the state of a lab in ${file}`, { cause })
  }
}
