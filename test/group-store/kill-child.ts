/**
 * The process that kill-trials.ts kills and stops: a client (trial-client.ts) on LMDB. Prints what it does, and `end CODE`
 * for an error. Arguments: folder, name of this life; the life `settle` sends nothing new, prints `state STATE` and ends.
 */
import { randomBytes } from 'node:crypto'
import { readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { TrialClient } from './trial-client.ts'

const [folder, life] = process.argv.slice(2) as [string, string]
// synchronously: what was said reaches the parent even when the next instruction is the last one
const say = (line: string) => writeSync(1, `${line}\n`)
const archive = () => readFileSync(join(folder, 'archive'), 'utf8').split('\n').slice(0, -1)

try {
  const storage = await openLmdbStorage({ path: join(folder, 'store'), randomBytes, busyTimeout: 10_000 })
  const client = await TrialClient.open(storage, readFileSync(join(folder, 'identity'), 'utf8'), { archive, say })
  if (life !== 'settle') await client.run(life)
  say('open')
  await client.settle()
  // I7: a group that is not stuck
  await client.send('the-last-one')
  await client.settle()
  say(`state ${await client.state()}`)
  await client.store.close()
} catch (error) {
  say(`end ${String((error as { code?: unknown }).code ?? error)}`)
}
