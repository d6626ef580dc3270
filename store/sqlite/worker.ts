import { parentPort, workerData } from 'node:worker_threads'
import type { DatabaseSync } from 'node:sqlite'
import { messageOf } from '../../model/thrown.ts'
import { StoreError } from '../error.ts'
import { fromSqlite } from './error.ts'
import * as queries from './queries.ts'
import type { Method, Reply, Request, Result } from './protocol.ts'
import { openDatabase } from './schema.ts'
import type { SqliteOptions } from './schema.ts'
import { Writer } from './writer.ts'

// The thread that owns the database. `workerData` is what openSqliteStore was given.
const options = workerData as SqliteOptions
let connection: { database: DatabaseSync; writer: Writer } | undefined

parentPort?.on('message', (request: Request) => {
  parentPort?.postMessage(reply(request))
  if (request.method === 'close') parentPort?.close()
})

function reply(request: Request): Reply {
  try {
    return { id: request.id, value: answer(request) }
  } catch (thrown) {
    const error = fromSqlite(thrown, options.file)
    const code = error instanceof StoreError ? error.code : undefined
    return {
      id: request.id,
      error: { code, message: messageOf(error) },
    }
  }
}

function answer(request: Request): Result<Method> {
  if (request.method === 'open') {
    const { database, opened } = openDatabase(options)
    connection = { database, writer: new Writer(database) }
    return opened
  }
  if (connection === undefined) throw new StoreError('closed', `${options.file}: the database is not open`)
  const { database, writer } = connection
  switch (request.method) {
    case 'apply':
      writer.apply(request.argument)
      return undefined
    case 'position':
      return writer.position()
    case 'latestObservations':
      return queries.latestObservations(database)
    case 'observations':
      return queries.observations(database, request.argument)
    case 'findings':
      return queries.findings(database)
    case 'decisions':
      return queries.decisions(database, request.argument)
    case 'actions':
      return queries.actions(database, request.argument)
    case 'auditEvents':
      return queries.auditEvents(database, request.argument)
    case 'rollUps':
      return queries.rollUps(database, request.argument)
    case 'sourcePositions':
      return queries.sourcePositions(database)
    case 'close':
      connection = undefined
      database.close()
      return undefined
  }
}
