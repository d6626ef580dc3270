import { z } from 'zod'
import { CollectorError } from '../../../error.ts'
import type { ApiClient } from '../client.ts'
import type { Query } from './queries.ts'

const failureSchema = z.object({ __typename: z.string().max(100), message: z.string().optional() })
const errorsSchema = z.object({ errors: z.array(z.object({ message: z.string() })).min(1) })
const cursorSchema = z.object({ type: z.literal('STORAGE_ID'), value: z.int() })
/** Characters of an error that are shown. */
const MAX_DETAIL = 300

/** Dagster's GraphQL. It answers 200 to what went wrong too, and says so inside. */
export class DagsterServer {
  readonly #client: ApiClient

  constructor(client: ApiClient) {
    this.#client = client
  }

  get url(): string {
    return this.#client.url
  }

  /** With the server's clock in milliseconds, where it says what that is. Throws CollectorError. */
  async ask<T>(
    { name, query, answer }: Query<T>,
    variables: object,
    signal: AbortSignal,
  ): Promise<{ readonly value: T; readonly date: number | undefined }> {
    const { json, date } = await this.#client.post('/graphql', { query, variables }, signal)
    const errors = errorsSchema.safeParse(json)
    if (errors.success) throw this.bad(`${name}: ${errors.data.errors[0]?.message}`)
    const parsed = z.object({ data: z.object({ [name]: z.unknown() }) }).safeParse(json)
    const value: unknown = parsed.success ? parsed.data.data[name] : undefined
    const known = answer.safeParse(value)
    if (known.success) return { value: known.data, date }
    const failure = failureSchema.safeParse(value)
    if (failure.success && failure.data.message !== undefined)
      throw this.bad(`${name}: ${failure.data.__typename}: ${failure.data.message}`)
    const [issue] = known.error.issues
    throw this.bad(`${name}: not an answer of Dagster: ${issue?.path.join('.')}: ${issue?.message}`)
  }

  bad(what: string): CollectorError {
    const text = what.replace(/[\p{C}\p{Zl}\p{Zp}]+/gu, ' ').slice(0, MAX_DETAIL)
    return new CollectorError('bad_answer', `${this.#client.url}: ${text}`)
  }

  async close(): Promise<void> {
    await this.#client.close()
  }
}

/** The number of an event in Dagster's storage, which its cursor bears; undefined: it bears none. */
export function numberIn(cursor: string): number | undefined {
  try {
    const parsed = cursorSchema.safeParse(JSON.parse(Buffer.from(cursor, 'base64').toString('utf8')))
    return parsed.success ? parsed.data.value : undefined
  } catch {
    return undefined
  }
}
