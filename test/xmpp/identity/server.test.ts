/** What a lying server comes to. */
import { describe, expect, test } from 'vitest'
import { utf8 } from '../../../src/bytes/text.ts'
import { verifyEvidence } from '../../../src/identity/evidence.ts'
import { identityNodes } from '../../../src/identity.ts'
import { cipherSuite } from '../../../src/index.ts'
import { MaliciousServer } from '../../../src/testing/xmpp/index.ts'
import { keyPackagesNode } from '../../../src/xmpp/index.ts'
import { element } from '../../../src/xmpp/stanza/element.ts'
import { roomJid } from '../mls/world.ts'
import { linked, Town } from './town.ts'

const suite = await cipherSuite(1)
const hours = 3_600_000

async function three(seed: string) {
  const town = new Town(seed)
  const evil = new MaliciousServer(town.service)
  const [alice, bob, carol] = [
    await town.phone('alice@a.test/phone'),
    await town.phone('bob@a.test/phone'),
    await town.phone('carol@a.test/phone'),
  ]
  for (const one of [alice, bob, carol]) await one.identity.create()
  return { town, alice, bob, carol, evil }
}

async function inRoom(world: Awaited<ReturnType<typeof three>>) {
  const { town, alice, bob, carol } = world
  const [a, b, c] = [await alice.mls(), await bob.mls(), await carol.mls()]
  const garden = await a.room(roomJid)
  await garden.invite('bob@a.test')
  await garden.invite('carol@a.test')
  await town.until('the invitations', () => b.invitations.length === 1 && c.invitations.length === 1)
  const [atBob, atCarol] = [await b.room(roomJid), await c.room(roomJid)]
  await town.until('agreement', () => [garden, atBob, atCarol].every((room) => room.devices().length === 3))
  await town.wait(10_000)
  return { ...world, garden, atBob, atCarol }
}

describe('a server that lies', () => {
  test('rolls a manifest back: seen, with evidence, and over when it tells the truth', async () => {
    const { town, alice, bob, evil } = await three('rollback')
    await (await bob.identity.digits('alice@a.test')).confirm()
    const stop = [identityNodes.manifest, identityNodes.log].map((node) =>
      evil.rollBack('alice@a.test', node, { to: 'bob@a.test' }),
    )
    await bob.identity.refresh('alice@a.test')
    const seen = await bob.identity.contact('alice@a.test')
    expect(seen).toMatchObject({ state: 'ROLLBACK', sending: 'block' })
    const { evidence } = seen.findings.findLast(({ kind }) => kind === 'rollback')!
    const believed = { account: utf8('alice@a.test'), rootHash: seen.rootHash! }
    expect(verifyEvidence(suite, evidence!, believed).kind).toBe('rollback')
    for (const end of stop) end()
    await bob.identity.refresh('alice@a.test')
    expect((await bob.identity.contact('alice@a.test')).state).toBe('VERIFIED')
    expect(alice.alarms).toEqual([])
    town.stop()
  })

  test('shows nothing any more: the user is told, the pin stays', async () => {
    const { town, bob, evil } = await three('nothing')
    await bob.identity.contact('alice@a.test')
    for (const node of [identityNodes.manifest, identityNodes.log]) evil.withhold('alice@a.test', node)
    for (let i = 0; i < 3; i++) await bob.identity.refresh('alice@a.test')
    const { state, findings } = await bob.identity.contact('alice@a.test')
    expect([state, findings.filter(({ kind }) => kind === 'withheld').length]).toEqual(['TOFU', 1])
    town.stop()
  })

  test('freezes a contact for one member: heads in messages say it, and the member says the manifest', async () => {
    const world = await inRoom(await three('freeze'))
    const { town, alice, bob, evil, garden, atBob } = world
    evil.freeze('alice@a.test', identityNodes.manifest, { to: 'bob@a.test' })
    evil.freeze('alice@a.test', identityNodes.log, { to: 'bob@a.test' })
    await alice.identity.vouch()
    const { seq } = alice.identity.status
    await garden.send('hello')
    await town.until(
      'the manifest came another way',
      () =>
        bob.identity.contacts.some(({ account, findings }) => account === 'alice@a.test' && findings.length >= 0) &&
        bob.findings.some(({ finding }) => finding.kind === 'advanced' && finding.to.seq === seq),
    )
    await bob.identity.refresh('alice@a.test')
    expect((await bob.identity.contact('alice@a.test')).state).toBe('ROLLBACK')
    expect(atBob.health.issues.some((one) => one.kind === 'identity' && one.account === 'alice@a.test')).toBe(true)
    town.stop()
  })

  test('shows another root: blocked for who has verified, warned for who has not', async () => {
    const world = await inRoom(await three('root'))
    const { town, bob, carol, evil, garden, atBob, atCarol } = world
    await (await bob.identity.digits('alice@a.test')).confirm()
    const eve = new Town('eve')
    const fake = await eve.phone('alice@a.test/eve')
    const spy = new MaliciousServer(eve.service)
    await fake.identity.create()
    for (const { node, item } of spy.seen)
      if (node === identityNodes.manifest || node === identityNodes.log)
        for (const to of ['bob@a.test', 'carol@a.test']) evil.show('alice@a.test', node, { to, item })
    await bob.identity.refresh('alice@a.test')
    await carol.identity.refresh('alice@a.test')
    expect((await bob.identity.contact('alice@a.test')).state).toBe('CHANGED')
    await expect(atBob.send('secret')).rejects.toMatchObject({ code: 'xmpp/identity_blocked' })
    expect(atBob.health.canSend).toBe(false)
    expect(atBob.devices().find(({ account }) => account === 'alice@a.test')?.trust).toBe('changed')
    await atCarol.send('not so secret')
    expect(garden.health.canSend).toBe(true)
    await bob.identity.keep('alice@a.test')
    await atBob.send('now')
    eve.stop()
    town.stop()
  })

  test('adds a ghost device: its KeyPackage is not taken, nothing is asked of anybody', async () => {
    const world = await inRoom(await three('ghost'))
    const { town, evil, garden, bob } = world
    const eve = new Town('ghost of alice')
    const fake = await eve.phone('dave@a.test/eve')
    const spy = new MaliciousServer(eve.service)
    await fake.identity.create()
    await fake.mls()
    const stolen = spy.seen.filter(({ node }) => node === keyPackagesNode).at(-1)!
    const dave = await town.phone('dave@a.test/phone')
    await dave.identity.create()
    const own = await dave.mls()
    evil.show('dave@a.test', keyPackagesNode, { item: stolen.item })
    await garden.invite('dave@a.test')
    const daves = garden.devices().filter(({ account }) => account === 'dave@a.test')
    expect(daves.map(({ device }) => device)).toEqual([own.device])
    expect(bob.findings.filter(({ loudness }) => loudness === 'alarm')).toEqual([])
    eve.stop()
    town.stop()
  })

  test('throws away what is published: the owner is told', async () => {
    const { town, alice, evil } = await three('withheld')
    evil.rollBack('alice@a.test', identityNodes.manifest, { to: 'alice@a.test' })
    evil.withhold('alice@a.test', identityNodes.log, { to: 'alice@a.test' })
    await alice.identity.vouch()
    expect(alice.alarms).toContain('withheld')
    town.stop()
  })

  test('puts rubbish into every node: typed errors, the old state, bounded time', async () => {
    const { town, alice, bob, evil } = await three('rubbish')
    expect((await bob.identity.contact('alice@a.test')).state).toBe('TOFU')
    for (const node of Object.values(identityNodes))
      for (const [i, text] of ['', '!!!', 'AAAA', 'A'.repeat(200_000)].entries())
        evil.forge('alice@a.test', node, i === 0 ? 'current' : `x${i}`, element('manifest', node, {}, text))
    await bob.identity.refresh('alice@a.test')
    expect((await bob.identity.contact('alice@a.test')).state).toBe('TOFU')
    await alice.identity.audit()
    expect(alice.identity.status.published).toBe(true)
    await bob.identity.refresh('alice@a.test')
    expect((await bob.identity.contact('alice@a.test')).state).toBe('TOFU')
    town.stop()
  })

  test('a removed device that comes back is removed with evidence by others', async () => {
    const world = await inRoom(await three('evidence'))
    const { town, alice, garden, atBob, carol } = world
    const laptop = await linked(town, alice, 'alice@a.test/laptop')
    const other = await laptop.mls()
    const atLaptop = await other.room(roomJid)
    await town.until('the laptop', () => atBob.devices().length === 4 && atLaptop.devices().length === 4)
    await garden.close()
    await alice.identity.removeDevice(other.device, { reason: 'compromised' })
    await alice.close()
    await carol.identity.refresh('alice@a.test')
    await town.until('the Remove', () => atBob.devices().length === 3)
    expect(atBob.devices().some(({ device }) => device === other.device)).toBe(false)
    await town.wait(1 * hours)
    town.stop()
  })
})
