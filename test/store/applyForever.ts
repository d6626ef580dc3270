// A process to be killed: applies a history from where the store stands, in small batches, and prints each acknowledged position.
import { openSqliteStore } from '../../store/sqlite/store.ts'
import { history } from './contents.ts'

const [file = '', entries = ''] = process.argv.slice(2)
const store = await openSqliteStore({ file })
const records = history(Number(entries))
const position = await store.position()
const next =
  position === undefined
    ? 0
    : records.findIndex((r) => r.position.entry === position.entry && r.position.n === position.n) + 1
for (let i = next; i < records.length; i += 2) {
  const batch = records.slice(i, i + 2)
  await store.apply(batch)
  const last = batch.at(-1)?.position
  process.stdout.write(`${last?.entry}/${last?.n}\n`)
}
await store.close()
