/** Alice's group is kept in a folder, encrypted. She sends, her process ends, and the next one goes on where it was. */
import { randomBytes } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { cipherSuite, createIdentity, createKeyPackage, fromUtf8, joinGroup, utf8 } from 'xmpp-mls'
import { openLmdbStorage } from 'xmpp-mls/storage/lmdb'
import { rawMasterKey } from 'xmpp-mls/storage/master-key'
import { openSealedStorage } from 'xmpp-mls/storage/sealed'
import { groupConfig, openGroupStore } from 'xmpp-mls/store'

const path = mkdtempSync(join(tmpdir(), 'groups-'))
const suite = await cipherSuite('MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519')
// kept by the application: the identity with its private key, and the key of the store
const alice = createIdentity(suite, 'alice')
const key = randomBytes(32)

async function open() {
  const lmdb = await openLmdbStorage({ path, randomBytes })
  const storage = await openSealedStorage({ storage: lmdb, masterKey: rawMasterKey(key, randomBytes), randomBytes })
  const settings = { config: groupConfig(), suite: () => suite, signer: () => alice.signer, randomBytes }
  return openGroupStore({ storage, keepHistory: true, ...settings })
}

const first = await open()
const group = await first.create({ suite, identity: alice })
const bobKeys = await createKeyPackage({ suite, identity: createIdentity(suite, 'bob') })
// durable before anything is sent; `sent` would be called when the delivery service has shown it
const commit = await group.commit({ add: [bobKeys.message] })
await group.receive({ message: commit.bytes })
const [welcome] = first.outbox(group.id)
if (welcome?.kind !== 'welcome') throw new Error('no Welcome')
const bob = await joinGroup({ suite, welcome: welcome.bytes, keyPackage: bobKeys })
await first.sent(welcome.id)
await group.send(utf8('hello, Bob'))
console.log(`to be sent: ${first.outbox().length}`)
await first.close()

// the next process: what waits is sent as it is, after the archive was read
const second = await open()
const again = await second.open(group.id)
await again.reconcile([])
for (const { id, bytes } of second.outbox()) {
  const result = await bob.receive(bytes)
  if (result.kind === 'message') console.log(`bob reads: ${fromUtf8(result.data)}`)
  await second.sent(id)
}
for (const { data } of await again.history()) console.log(`kept: ${fromUtf8(data)}`)
await again.forget()
console.log(`kept after forget: ${(await again.history()).length}`)
await second.close()
rmSync(path, { recursive: true })
