/** A server shows two halves of a room two lists of somebody who is away. All that passes between the halves is a commit. */
import { describe, expect, test } from 'vitest'
import type { VerifiedManifest } from '../../../src/identity/manifest.ts'
import { MaliciousServer } from '../../../src/testing/xmpp/index.ts'
import { buildBytes, currentItem, identityNodes, logItemId } from '../../../src/xmpp/identity/wire.ts'
import { deviceOf, lootOf, nextBy } from '../../attacks/stage.ts'
import { roomJid } from '../mls/world.ts'
import { type Phone, Town } from './town.ts'

const alice = 'alice@a.test'

/** Alice, who goes away, and two who stay in the room. `show`: what one of them sees of alice from now on. */
async function roomWithout(seed: string) {
  const town = new Town(seed)
  const evil = new MaliciousServer(town.service)
  const people: Phone[] = []
  for (const name of ['alice', 'bob', 'carol']) people.push(await town.phone(`${name}@a.test/phone`))
  const [away, bob, carol] = people as [Phone, Phone, Phone]
  for (const { identity } of people) await identity.create()
  const [a, b, c] = [await away.mls(), await bob.mls(), await carol.mls()]
  const garden = await a.room(roomJid)
  for (const [jid, client] of [
    ['bob@a.test', b],
    ['carol@a.test', c],
  ] as const) {
    await garden.invite(jid)
    await town.until('the invitation', () => client.invitations.length === 1)
  }
  const [atBob, atCarol] = [await b.room(roomJid), await c.room(roomJid)]
  await town.until('all know all', () => [bob, carol].every(({ identity }) => identity.contacts.length >= 2))
  await town.wait(30_000)
  const loot = await lootOf(away)
  await away.close()
  const show = async (to: Phone, manifest: VerifiedManifest) => {
    const account = to.identity.account
    const payload = buildBytes('manifest', manifest.bytes)
    evil.show(alice, identityNodes.manifest, { to: account, item: { id: currentItem, payload } })
    evil.show(alice, identityNodes.log, { to: account, item: { id: logItemId(manifest), payload } })
    await to.identity.refresh(alice)
  }
  let messages = 0
  town.service.intercept((stanza, to) => {
    if (stanza.attrs['type'] === 'groupchat' && to.startsWith('carol')) messages++
    return stanza
  })
  const trouble = ({ findings }: Phone) =>
    findings.filter(({ loudness }) => loudness === 'warning' || loudness === 'alarm').map(({ finding }) => finding.kind)
  return { town, bob, carol, atBob, atCarol, loot, show, trouble, heard: () => messages }
}

describe('a commit names the Merkle root over the heads that its sender sees', () => {
  test('two lists of somebody who is away: the commit alone starts what proves it', async () => {
    const { town, bob, carol, atBob, atCarol, loot, show, trouble, heard } = await roomWithout('two lists')
    const listing = (name: string) =>
      nextBy(loot, loot.manifest, [{ kind: 'add_device', device: deviceOf(name), probation: true }])
    await show(bob, await listing('one'))
    await show(carol, await listing('other'))
    await town.wait(60_000)
    // each of them sees one list, and all is well
    expect([trouble(bob), trouble(carol), heard()]).toEqual([[], [], 0])
    await atBob.update()
    await town.until('carol knows', () => trouble(carol).includes('equivocation'))
    await town.until('bob knows', () => trouble(bob).includes('equivocation'))
    for (const one of [bob, carol]) expect((await one.identity.contact(alice)).state).toBe('EQUIVOCATION')
    expect(atCarol.health.epoch).toBe(atBob.health.epoch)
    town.stop()
  })

  test('one half is frozen: after the commit it knows what the other one knows', async () => {
    const { town, bob, carol, atBob, loot, show, trouble, heard } = await roomWithout('frozen')
    const next = await nextBy(loot, loot.manifest, [])
    await show(bob, next)
    await show(carol, loot.manifest)
    await town.wait(60_000)
    expect([trouble(carol), heard()]).toEqual([[], 0])
    const devices = () => carol.identity.contacts.find(({ account }) => account === alice)?.devices.length
    expect(devices()).toBe(1)
    await atBob.update()
    // the list of bob came through the room, whatever the server shows
    await town.until('carol has it', () => carol.findings.some(({ finding }) => finding.kind === 'advanced'))
    expect(trouble(bob)).toEqual([])
    town.stop()
  })

  test('the same list at both: a commit starts nothing', async () => {
    const { town, bob, carol, atBob, loot, show, trouble, heard } = await roomWithout('the same')
    const next = await nextBy(loot, loot.manifest, [])
    for (const one of [bob, carol]) await show(one, next)
    await atBob.update()
    await town.wait(60_000)
    // nothing but the commit
    expect([trouble(bob), trouble(carol)]).toEqual([[], []])
    expect(heard()).toBe(1)
    town.stop()
  })
})
