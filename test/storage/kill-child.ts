/**
 * The process that scripts/test-kill.ts kills and stops: opens the LMDB store of a folder and applies numbered batches for
 * ever, printing `open EPOCH` once, `ack N` for each batch acknowledged and `end CODE` when one is refused.
 * Arguments: folder, rows of a batch, batches under way at once.
 */
import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { batchOf, lastBatch } from './kill-batches.ts'

const [folder, width, depth] = [process.argv[2]!, Number(process.argv[3]), Number(process.argv[4])]
// Written synchronously: what was acknowledged reaches the parent even when the next instruction is the last one.
const say = (line: string) => writeSync(1, `${line}\n`)

try {
  const store = await openLmdbStorage({ path: folder, randomBytes })
  const first = (await lastBatch(store)) + 1
  say(`open ${store.owner.epoch}`)
  const underWay: Promise<void>[] = []
  for (let number = first; ; number++) {
    const work = store.apply(batchOf(number, width)).then(() => void say(`ack ${number}`))
    work.catch(() => undefined)
    underWay.push(work)
    if (underWay.length >= depth) await underWay.shift()
  }
} catch (error) {
  say(`end ${String((error as { code?: unknown }).code ?? error)}`)
}
