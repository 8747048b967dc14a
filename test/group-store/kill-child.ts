/**
 * The client that kill-trials.ts kills and stops: opens the group store of a folder, catches up with the archive file, sends
 * again what is in the outbox, and then sends messages and commits for ever. Prints `open`, `post ID BASE64` for what goes to
 * the room, `ack ID` for a message that is durable, `end CODE` for an error. Each encryption is written to `seals` before it
 * happens. Arguments: folder, name of this life.
 */
import { randomBytes } from 'node:crypto'
import { appendFileSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import { fromBase64, toBase64, utf8 } from '../../src/bytes/text.ts'
import { suiteParameters } from '../../src/crypto/suites.ts'
import { makeConfig } from '../../src/group/defaults.ts'
import { openGroupStore } from '../../src/group-store/group-store.ts'
import { key64 } from '../../src/group-store/layout.ts'
import { defaultProvider } from '../../src/providers/default.ts'
import { systemClock } from '../../src/providers/system-clock.ts'
import { systemRng } from '../../src/providers/system-rng.ts'
import { keySigner } from '../../src/signed/signer.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { SealLog } from './crash-oracle.ts'

const [folder, life] = process.argv.slice(2) as [string, string]
// synchronously: what was said reaches the parent even when the next instruction is the last one
const say = (line: string) => writeSync(1, `${line}\n`)
const archive = () =>
  readFileSync(join(folder, 'archive'), 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line, i) => {
      const [from, message = ''] = line.split(' ')
      return { message: fromBase64(message), cursor: key64(i), own: from === 'alice' }
    })

try {
  const parameters = suiteParameters(1)
  const plain = (await defaultProvider(parameters)).open(parameters, systemRng)
  const suite = new SealLog().watch(plain, (line) => appendFileSync(join(folder, 'seals'), `${line}\n`))
  const [privateKey = '', groupId = ''] = readFileSync(join(folder, 'identity'), 'utf8').split(' ')
  const signer = keySigner(suite, fromBase64(privateKey))
  const store = await openGroupStore({
    storage: await openLmdbStorage({ path: join(folder, 'store'), randomBytes, busyTimeout: 10_000 }),
    config: makeConfig(
      {},
      { authentication: basicAuthentication(), psks: { externalPsk: () => undefined }, clock: systemClock },
    ),
    suite: () => suite,
    signer: () => signer,
    randomBytes: (length) => Uint8Array.from(randomBytes(length)),
    reserve: 4,
  })
  const group = await store.open(fromBase64(groupId))
  const posted = new Set<string>()
  const catchUp = async () => {
    const cursor = await group.cursor()
    const start = cursor === undefined ? 0 : Number(new DataView(cursor.buffer).getBigUint64(0)) + 1
    const { received } = await group.reconcile(archive().slice(start))
    for (const { result, quarantine } of received) {
      if (quarantine !== undefined) throw new Error(`quarantine ${quarantine}`)
      if (result.kind === 'rejected') throw result.error
    }
  }
  const post = () => {
    for (const { id, bytes } of store.outbox())
      if (!posted.has(id)) {
        posted.add(id)
        say(`post ${id} ${toBase64(bytes)}`)
      }
  }
  await catchUp()
  post()
  say('open')
  for (let i = 0; ; i++) {
    if (i % 5 === 4 && (await group.read((one) => one.pending === undefined))) await group.commit()
    else {
      const id = `${life}-${i}`
      await group.send(utf8(id), { id })
      say(`ack ${id}`)
    }
    post()
    await catchUp()
  }
} catch (error) {
  say(`end ${String((error as { code?: unknown }).code ?? error)}`)
}
