/**
 * Makes the golden store of the present format: `npx tsx test/group-store/golden/make.ts FILE`. Run once for each format;
 * files of earlier formats are never made again.
 */
import { writeFileSync } from 'node:fs'
import { toHex, utf8 } from '../../../src/bytes/text.ts'
import { tables } from '../../../src/group-store/layout.ts'
import { catchUp, Device, deliver, makeGroup, Room } from '../support.ts'

const room = new Room()
const alice = new Device('alice')
const bob = new Device('bob')
const storage = await alice.storage()
const store = await alice.open({ storage, keepHistory: true, reserve: 4 })
const bobs = await bob.open()
const id = await makeGroup(room, { device: alice, store }, { device: bob, store: bobs })
const group = await store.open(id)
const exchange = async () => {
  for (const [device, one] of [
    [alice, store],
    [bob, bobs],
  ] as const) {
    await deliver(device, one, room)
  }
  await catchUp(alice, store, id, room)
  await catchUp(bob, bobs, id, room)
}
await group.send(utf8('from alice'))
await (await bobs.open(id)).send(utf8('from bob'))
await exchange()
await group.commit()
await exchange()
await (await bobs.open(id)).propose({ update: true })
await exchange()
await store.createKeyPackage({ suite: alice.suite, identity: alice.identity })
await group.commit({ id: 'pending', intent: utf8('intent') })
const late = await (await bobs.open(id)).read((one) => one.epoch)

const rows = []
for (const table of Object.values(tables))
  for (const { key, value } of await storage.scan(table, { limit: 65_536 }))
    rows.push([table, toHex(key), toHex(value)])
const { privateKey } = alice.identity as unknown as { privateKey: Uint8Array }
const facts = {
  groupId: toHex(id),
  epoch: Number(late),
  privateKey: toHex(privateKey),
  treeHash: toHex(await group.read((one) => one.treeHash)),
}
writeFileSync(process.argv[2] ?? 'golden.json', `${JSON.stringify({ facts, rows })}\n`)
