import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { describe, it } from 'node:test'
import { askForIncidents, giveCommand } from '../../cli/control.ts'
import { CommandError } from '../../cli/exit.ts'
import { temporaryDirectory } from '../support/vigil.ts'

const ACK = { command: 'ack', id: 'inc-0123456789ab', by: 'jane' } as const

describe('commands to a running vigil', () => {
  const tooLong = `/tmp/${'d'.repeat(100)}.sock`

  it('reads the journal where no vigil can listen', async () => {
    assert.equal(await askForIncidents(tooLong), undefined)
  })

  it('tells why a vigil whose journal has a long path takes none', async () => {
    await assert.rejects(
      giveCommand(tooLong, ACK),
      (error) => error instanceof CommandError && error.message.includes('at most 103 octets'),
    )
  })

  it('says that it is not known whether it was recorded when vigil dies before it answers', async () => {
    using directory = temporaryDirectory()
    const path = join(directory.path, 'journal.sock')
    const dying = createServer((socket) => socket.once('data', () => socket.destroy())).listen(path)
    await once(dying, 'listening')
    try {
      await assert.rejects(
        giveCommand(path, ACK),
        (error) => error instanceof CommandError && error.message.includes('may have been recorded'),
      )
    } finally {
      dying.close()
    }
  })
})
