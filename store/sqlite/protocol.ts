import type { SealedRecord } from '../../model/record.ts'
import type { Store } from '../contract.ts'
import type { StoreErrorCode } from '../error.ts'
import type { Opened } from './schema.ts'

/** What the worker can be asked: the store itself, and to be opened. */
interface Calls extends Omit<Store, 'apply'> {
  open(): Promise<Opened>
  apply(batch: readonly SealedRecord[]): Promise<void>
}
export type Method = keyof Calls
export type Argument<M extends Method> = Parameters<Calls[M]>[0]
export type Result<M extends Method> = Awaited<ReturnType<Calls[M]>>

/** Main thread to worker. Answered in order, one at a time. */
export type Request = { [M in Method]: { id: number; method: M; argument: Argument<M> } }[Method]

/** Worker to main thread. An error keeps its code and message; its cause and stack stay behind. */
export type Reply =
  | { readonly id: number; readonly value: unknown }
  | { readonly id: number; readonly error: { code: StoreErrorCode | undefined; message: string } }
