/** Old copies of a store that are put back: each of them must be noticed before anything is sent. */
import { copyBytes } from '../../src/bytes/bytes.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import type { GroupStore } from '../../src/group-store/group-store.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { SealLog } from './crash-oracle.ts'
import { bytesOf, catchUp, codeOf, Device, deliver, MemoryAnchor, makeGroup, Room, random, texts } from './support.ts'

/** What a trial has shown; the empty list when everything was as it must be. */
export interface Trial {
  readonly violations: string[]
  readonly reason: string | undefined
}

function generator(seed: number): (below: number) => number {
  let state = seed * 2654435761 + 12345
  return (below) => {
    state = (Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9) >>> 0
    return ((state ^ (state >>> 13)) >>> 0) % below
  }
}

async function copyOf(medium: MemoryMedium): Promise<MemoryMedium> {
  const copy = new MemoryMedium()
  const all = { from: new Uint8Array(0), before: Uint8Array.of(255), reverse: false, limit: Number.POSITIVE_INFINITY }
  for (const { address, value } of medium.rows(all)) copy.write(copyBytes(address), copyBytes(value))
  return copy
}

/** One trial: what was sent after the copy was made must be noticed, by the anchor or when the archive is read. */
export async function restoreTrial(suite: CipherSuite, seed: number, withAnchor: boolean): Promise<Trial> {
  const choose = generator(seed)
  const log = new SealLog()
  const room = new Room()
  const anchor = new MemoryAnchor()
  const settings = { ...(withAnchor ? { anchor } : {}), reserve: 1 + choose(12) }
  const alice = { device: new Device('alice', log.watch(suite)), store: undefined as unknown as GroupStore }
  const bob = { device: new Device('bob', suite), store: undefined as unknown as GroupStore }
  alice.store = await alice.device.open(settings)
  bob.store = await bob.device.open()
  const id = await makeGroup(room, alice, bob)
  let message = 0
  const send = async (one: typeof alice) => {
    await (await one.store.open(id)).send(bytesOf(`message ${message++}`))
  }
  const exchange = async () => {
    for (const one of [alice, bob]) await deliver(one.device, one.store, room)
    for (const one of [alice, bob]) await catchUp(one.device, one.store, id, room)
    for (const one of [alice, bob]) await deliver(one.device, one.store, room)
  }
  const act = async () => {
    const what = choose(12)
    if (what < 4) await send(alice)
    else if (what < 7) await send(bob)
    else if (what < 9) await exchange()
    else if (what === 9) {
      await exchange()
      await (await alice.store.open(id)).commit()
      await exchange()
    } else if (what === 10) {
      await exchange()
      await (await bob.store.open(id)).commit()
      await exchange()
    } else {
      await alice.store.close()
      alice.store = await alice.device.open(settings)
      await catchUp(alice.device, alice.store, id, room)
    }
  }
  for (let i = choose(8); i > 0; i--) await act()
  const old = await copyOf(alice.device.medium)
  for (let i = choose(6); i > 0; i--) await act()
  await send(alice)
  for (let i = choose(4); i > 0; i--) await act()
  // sent is what has reached the room; whether its echo was read makes no difference
  await deliver(alice.device, alice.store, room)
  if (choose(2) === 0) await exchange()
  await alice.store.close()

  const violations: string[] = []
  const storage = await openMemoryStorage({ medium: old, randomBytes: random })
  const store = await alice.device.open({ ...settings, storage })
  const group = await store.open(id)
  const early = await codeOf(group.send(bytesOf('too early')))
  if (early !== 'group/quarantined' && early !== 'group/catching_up')
    violations.push(`sent before catching up: ${early}`)
  await catchUp(alice.device, store, id, room)
  const reason = group.quarantine
  if (reason === undefined) violations.push('not noticed')
  for (const work of [group.send(bytesOf('again')), group.commit(), group.propose({ update: true })])
    if ((await codeOf(work)) !== 'group/quarantined') violations.push('not in quarantine')
  // the way out: fresh keys
  const groupInfo = await (await bob.store.open(id)).read((one) => one.groupInfo())
  const leaf = await (await bob.store.open(id)).read(
    (one) => one.memberWithSignatureKey(alice.device.identity.signer.publicKey)?.leafIndex,
  )
  if (leaf !== undefined) {
    await group.rejoin({ identity: alice.device.identity, groupInfo, replaces: leaf })
    await deliver(alice.device, store, room)
    await catchUp(alice.device, store, id, room)
    await catchUp(bob.device, bob.store, id, room)
    await group.send(bytesOf('back'))
    await deliver(alice.device, store, room)
    if (!texts(await catchUp(bob.device, bob.store, id, room)).includes('back')) violations.push('no way back')
  }
  await store.close()
  await bob.store.close()
  return { violations: [...violations, ...log.violations], reason }
}
