import { open } from 'node:fs/promises'
import { Writable } from 'node:stream'
import type { FetchObject } from './backupFetch.ts'
import type { ObjectStore } from './backupBundles.ts'
import { diskRefused, JournalError } from './error.ts'
import { runProgram } from './program.ts'

// Any object store, by its own client: a program with its arguments, in which {name} stands for the name of an object.

/** What stands for the name of an object. */
export const NAME_PLACE = '{name}'

/** Sends each object through a program: content on its standard input; exit code 0 says that it is stored. */
export function commandStore(command: readonly string[], timeout: number): ObjectStore {
  return {
    async put(name, content) {
      const output = new Writable({ write: (_chunk, _encoding, done) => done() })
      const end = await runProgram(named(command, name), { input: content, output, timeout })
      if (!end.ended) throw failed(command, name, end.why)
      if (!end.readAll) throw failed(command, name, 'ended with exit code 0 before it had read everything')
    },
  }
}

/** Gets each object through a program: content on its standard output. */
export function commandFetch(command: readonly string[], timeout: number): FetchObject {
  return async (name, file, limit) => {
    await using out = await open(file, 'w', 0o640)
    let size = 0
    const output = new Writable({
      write(chunk: Buffer, _encoding, done) {
        size += chunk.length
        if (size > limit) done(failed(command, name, `expected at most ${limit} octets, got more`))
        else
          out.appendFile(chunk).then(
            () => done(),
            (error: unknown) => done(diskRefused(file, error)),
          )
      },
    })
    const end = await runProgram(named(command, name), { input: [], output, timeout })
    if (!end.ended) throw failed(command, name, end.why)
  }
}

function named(command: readonly string[], name: string): readonly string[] {
  return command.map((argument) => argument.replaceAll(NAME_PLACE, name))
}

function failed([program = '']: readonly string[], name: string, why: string): JournalError {
  return new JournalError('storage', `${program} for ${name}: ${why}`)
}
