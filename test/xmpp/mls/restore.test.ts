import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../../src/bytes/text.ts'
import { suiteParameters } from '../../../src/crypto/suites.ts'
import { defaultProvider } from '../../../src/providers/default.ts'
import { systemRng } from '../../../src/providers/system-rng.ts'
import { decodeMlsMessage } from '../../../src/wire/mls-message.ts'
import { deviceOf, keyPackagesNode, type LeafProvider, type XmppPort } from '../../../src/xmpp/index.ts'
import { parseKeyPackages } from '../../../src/xmpp/mls/wire/key-packages.ts'
import { fetchPep } from '../../../src/xmpp/pep/pep-fetch.ts'
import { SealLog } from '../../group-store/crash-oracle.ts'
import { MemoryAnchor } from '../../group-store/support.ts'
import { bodies, copyOf, listen, muting, roomJid, World } from './world.ts'

const parameters = suiteParameters(1)
const provider = await defaultProvider(parameters)

/** Two members who have talked; every encryption of the first one is written down. */
async function pair(name: string, options: { anchor?: MemoryAnchor; leaf?: LeafProvider } = {}) {
  const world = new World(name)
  const log = new SealLog()
  const line = { cut: false }
  const wrap = (port: XmppPort) => muting(port, () => line.cut)
  const own = { suite: log.watch(provider.open(parameters, systemRng)), wrap, ...options }
  const alice = await world.device('alice@a.test/x', own)
  const bob = await world.device('bob@a.test/x', options.leaf === undefined ? {} : { leaf: options.leaf })
  const garden = await alice.client.room(roomJid)
  await garden.invite('bob@a.test')
  await world.until('the invitation', () => bob.client.invitations.length === 1)
  const bobs = await bob.client.room(roomJid)
  const heard = listen(bobs)
  await garden.send('before')
  await world.until('it', () => heard.messages.length === 1)
  await world.until('quiet', () => garden.idle)
  return { world, log, line, own, alice, bob, garden, bobs, heard, backup: copyOf(alice.medium) }
}

type Pair = Awaited<ReturnType<typeof pair>>

const laters: Readonly<Record<string, (two: Pair) => Promise<unknown>>> = {
  'one message': ({ garden }) => garden.send('later'),
  'forty messages': async ({ garden }) => {
    for (let i = 0; i < 40; i++) await garden.send(`later ${i}`)
  },
  'a commit': ({ garden }) => garden.update(),
  'messages in epochs that others began': async ({ garden, bobs, world }) => {
    await bobs.update()
    await bobs.update()
    await world.until('the epochs', () => garden.health.epoch === bobs.health.epoch)
    await garden.send('later')
  },
  'a commit and messages': async ({ garden }) => {
    await garden.send('later')
    await garden.update()
    await garden.send('later still')
  },
}

describe('an old copy of the storage of a client is put back', () => {
  for (const [what, later] of Object.entries(laters))
    test(`after ${what}: it only receives, and comes back with fresh keys for all to see`, async () => {
      const two = await pair(`restore ${what}`)
      const { world, log, own, alice, bobs, heard, backup } = two
      await later(two)
      await world.until('all', () => two.garden.idle && bobs.health.epoch === two.garden.health.epoch)
      alice.port.disconnect()
      await alice.client.close()
      const again = await world.device('alice@a.test/x', { ...own, medium: backup })
      const room = await again.client.room(roomJid)
      const back = listen(room)
      expect(room.health).toMatchObject({ state: 'desynchronised', canSend: false })
      expect(room.health.issues).toContainEqual({ kind: 'copied', reason: expect.stringMatching(/^own_/) })
      const sealed = log.seals
      await expect(room.send('again')).rejects.toMatchObject({ code: 'group/quarantined' })
      await expect(room.update()).rejects.toMatchObject({ code: 'group/quarantined' })
      // it reads on, where it can
      await bobs.send('do you read me?')
      await world.wait(5_000)
      if (room.health.epoch === bobs.health.epoch) expect(bodies(back.messages)).toContain('do you read me?')
      expect(log.seals).toBe(sealed)
      // the quarantine does not end with the process
      again.port.disconnect()
      await again.client.close()
      const third = await world.device('alice@a.test/x', { ...own, medium: backup })
      const same = await third.client.room(roomJid)
      expect(same.health.issues).toContainEqual({ kind: 'copied', reason: expect.stringMatching(/^own_/) })
      await same.rejoin()
      expect(same.health).toMatchObject({ state: 'active', canSend: true, issues: [] })
      await same.send('here again')
      await world.until('the message', () => bodies(heard.messages).includes('here again'))
      expect(heard.membership.at(-1)).toMatch(/^rejoined by alice/)
      expect(bobs.devices()).toHaveLength(2)
      expect(log.violations).toEqual([])
      world.stop()
    })

  /** The signature key of alice's leaf, as bob has it, and the extensions of it. */
  const leafOf = ({ bobs }: Pair) => {
    const [found] = [...(bobs.session.state.group?.members() ?? [])].filter(
      ({ credential }) => deviceOf(credential)?.account === 'alice@a.test',
    )
    return { key: toHex(found!.signatureKey), types: found!.extensions.map(({ extensionType }) => extensionType) }
  }
  /** The signature keys of the packages that alice publishes. */
  const publishedKeys = async ({ bob }: Pair) => {
    const found = await fetchPep(bob.port, 'alice@a.test', keyPackagesNode)
    const items = found.kind === 'items' ? found.items : []
    const messages = items.flatMap(({ payload }) => {
      const { oneTime = [], lastResort } = parseKeyPackages(payload) ?? {}
      return lastResort === undefined ? oneTime : [...oneTime, lastResort]
    })
    expect(messages.length).toBeGreaterThan(1)
    const keyOf = (bytes: Uint8Array) => {
      const message = decodeMlsMessage(bytes)
      return message.wireFormat === 'mls_key_package' ? toHex(message.keyPackage.leafNode.signatureKey) : ''
    }
    return new Set(messages.map(keyOf))
  }
  const extensionType = 0xf0c0
  /** Certifies keys: all of them, or those that it met while it was asked to. */
  const certifier = () => {
    const known = new Set<string>()
    const provider = {
      extensionTypes: [extensionType],
      customProposals: [],
      certifies: true,
      leafExtensions: ({ signatureKey }: { readonly signatureKey: Uint8Array }) => {
        const key = toHex(signatureKey)
        if (provider.certifies) known.add(key)
        return known.has(key) ? [{ extensionType, extensionData: fromHex(key) }] : []
      },
    }
    return provider
  }

  test.each(['no provider of leaves', 'one that certifies the new key', 'one that does not'])(
    'it comes back with a signature key that the copy does not know: %s',
    async (what) => {
      const leaf = what === 'no provider of leaves' ? undefined : certifier()
      const two = await pair(`keys ${what}`, leaf === undefined ? {} : { leaf })
      const { world, log, own, alice, garden, bobs, heard, backup } = two
      const before = leafOf(two)
      expect(await publishedKeys(two)).toEqual(new Set([before.key]))
      await garden.send('later')
      alice.port.disconnect()
      await alice.client.close()
      if (what === 'one that does not') leaf!.certifies = false
      const again = await world.device('alice@a.test/x', { ...own, medium: backup })
      const room = await again.client.room(roomJid)
      await room.rejoin()
      await world.until('the same epoch', () => bobs.health.epoch === room.health.epoch)
      const after = leafOf(two)
      const renewed = what !== 'one that does not'
      expect(after.key !== before.key).toBe(renewed)
      expect(await publishedKeys(two)).toEqual(new Set([after.key]))
      if (leaf !== undefined) expect(after.types).toContain(extensionType)
      // and once is enough: the key is new to whoever has the copy
      await room.rejoin()
      await world.until('the same epoch', () => bobs.health.epoch === room.health.epoch)
      expect(leafOf(two).key).toBe(after.key)
      // the keys are where the rest is
      again.port.disconnect()
      await again.client.close()
      const third = await world.device('alice@a.test/x', { ...own, medium: backup })
      const same = await third.client.room(roomJid)
      expect(same.health).toMatchObject({ state: 'active', issues: [] })
      await same.update()
      await same.send('with the new key')
      await world.until('it', () => bodies(heard.messages).includes('with the new key'))
      expect(leafOf(two).key).toBe(after.key)
      expect(log.violations).toEqual([])
      world.stop()
    },
  )

  test('a room that was not copied goes on with the key that its leaf has', async () => {
    const two = await pair('two rooms')
    const { world, own, alice, garden, bob, bobs } = two
    const orchard = await alice.client.room('orchard@conference.a.test')
    await orchard.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const other = await bob.client.room('orchard@conference.a.test')
    await world.until('quiet', () => orchard.idle)
    const backup = copyOf(alice.medium)
    await garden.send('later')
    alice.port.disconnect()
    await alice.client.close()
    const before = leafOf(two).key
    const again = await world.device('alice@a.test/x', { ...own, medium: backup })
    await (await again.client.room(roomJid)).rejoin()
    expect((await again.client.room('orchard@conference.a.test')).health).toMatchObject({ state: 'active', issues: [] })
    again.port.disconnect()
    await again.client.close()
    const third = await world.device('alice@a.test/x', { ...own, medium: backup })
    const room = await third.client.room('orchard@conference.a.test')
    const heard = listen(other)
    await room.update()
    await room.send('still here')
    await world.until('it', () => bodies(heard.messages).includes('still here'))
    expect(leafOf({ ...two, bobs: other }).key).toBe(before)
    expect(leafOf(two).key).not.toBe(before)
    expect(bobs.health.state).toBe('active')
    world.stop()
  })

  test('a copy that sent nothing since, and a client that starts again, are no copies', async () => {
    const { world, log, own, alice, bobs, backup } = await pair('no copy')
    await bobs.send('meanwhile')
    alice.port.disconnect()
    await alice.client.close()
    for (const medium of [alice.medium, backup]) {
      const again = await world.device('alice@a.test/x', { ...own, medium })
      const room = await again.client.room(roomJid)
      expect(room.health).toMatchObject({ state: 'active', issues: [] })
      again.port.disconnect()
      await again.client.close()
    }
    expect(log.violations).toEqual([])
    world.stop()
  })

  test('the anchor tells a copy before the archive can', async () => {
    const anchor = new MemoryAnchor()
    const { world, log, own, alice, garden, backup, line } = await pair('anchor', { anchor })
    // of what is sent now nothing reaches the archive
    line.cut = true
    // more than were set apart before: with those a copy could not do any harm, it skips them
    for (let i = 0; i < 40; i++) garden.send('never arrives').catch(() => undefined)
    await world.wait(1_000)
    expect(garden.session.state.outbox).toHaveLength(40)
    alice.port.disconnect()
    await alice.client.close()
    line.cut = false
    const again = await world.device('alice@a.test/x', { ...own, medium: backup })
    const room = await again.client.room(roomJid)
    expect(room.health.issues).toContainEqual({ kind: 'copied', reason: 'anchor' })
    await expect(room.send('again')).rejects.toMatchObject({ code: 'group/quarantined' })
    expect(log.violations).toEqual([])
    world.stop()
  })

  test('of two copies that are alive at the same time neither encrypts what the other has', async () => {
    const { world, log, own, alice, garden, bobs, heard, backup } = await pair('two at once')
    const { client } = await world.device('alice@a.test/y', { ...own, medium: backup })
    const other = await client.room(roomJid, { nick: 'alice too' })
    expect(other.health).toMatchObject({ state: 'active', issues: [] })
    const outcomes = await Promise.allSettled([garden.send('from the one'), other.send('from the other')])
    await world.wait(5_000)
    // what was on its way at the same moment met: from then on no copy sends
    expect(outcomes.map(({ status }) => status)).toContain('fulfilled')
    const copied = [garden, other].filter(({ health }) => health.issues.some(({ kind }) => kind === 'copied'))
    expect(copied.length).toBeGreaterThan(0)
    for (const room of copied) await expect(room.send('more')).rejects.toMatchObject({ code: 'group/quarantined' })
    expect(bodies(heard.messages).filter((body) => body !== 'before').length).toBeLessThanOrEqual(2)
    expect(bobs.health.state).toBe('active')
    expect(alice.client.account).toBe('alice@a.test')
    expect(log.violations).toEqual([])
    world.stop()
  })
})
