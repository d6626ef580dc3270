// The client of a running lab's control endpoint.
import { request } from 'undici'
import { z } from 'zod'
import { labStatusSchema, type LabStatus } from './control.ts'
import { LAB_ERROR_CODES, LabError } from './error.ts'
import { readState, stateFileIn, userStateFile, type LabState } from './state.ts'

/** Milliseconds: a fault is applied by signing something at most. */
const TIMEOUT_MS = 10_000

const errorSchema = z.object({ error: z.object({ code: z.enum(LAB_ERROR_CODES), message: z.string() }) })

export type LabCommand =
  | { readonly command: 'status' }
  | { readonly command: 'break' | 'repair'; readonly fault: string; readonly target: string }

/**
 * The running lab: the one in this directory, or else the user's last started one.
 * LabError `not_running` or `bad_state_file`.
 */
// Imported when the command runs.
// ts-unused-exports:disable-next-line
export function readLabState(directory?: string): Promise<LabState> {
  return readState(directory === undefined ? userStateFile() : stateFileIn(directory))
}

/** Status after the command. LabError `not_running` when nothing answers, else with the lab's own words. */
export async function labRequest(state: LabState, command: LabCommand): Promise<LabStatus> {
  const { statusCode, body } = await send(state, command)
  if (statusCode === 200) {
    const status = labStatusSchema.safeParse(body)
    if (status.success) return status.data
  }
  const refused = errorSchema.safeParse(body)
  if (refused.success) throw new LabError(refused.data.error.code, refused.data.error.message)
  throw new LabError(
    'request_failed',
    `expected a status, got an unknown answer with HTTP status ${statusCode}`,
  )
}

async function send(state: LabState, command: LabCommand): Promise<{ statusCode: number; body: unknown }> {
  try {
    const response = await request(`${state.url}/${command.command}`, {
      method: command.command === 'status' ? 'GET' : 'POST',
      headers: { authorization: `Bearer ${state.token}`, 'content-type': 'application/json' },
      body:
        command.command === 'status'
          ? null
          : JSON.stringify({ fault: command.fault, target: command.target }),
      headersTimeout: TIMEOUT_MS,
      bodyTimeout: TIMEOUT_MS,
      // The lab closes without waiting for kept connections; so does this.
      reset: true,
    })
    return { statusCode: response.statusCode, body: await response.body.json() }
  } catch (cause) {
    throw new LabError('not_running', `no lab answers at ${state.url}, which ${state.directory} names`, {
      cause,
    })
  }
}
