/** Attacks on people in one room, by a server that shows them different things. */
import { identityNodes } from '../../../src/identity.ts'
import { MaliciousServer } from '../../../src/testing/xmpp/index.ts'
import { keyPackagesNode } from '../../../src/xmpp/index.ts'
import { linked } from '../../xmpp/identity/town.ts'
import { roomJid } from '../../xmpp/mls/world.ts'
import { type Attack, verdict } from '../attack.ts'
import { alice, bob, type Phone, Town } from '../stage.ts'

const carol = 'carol@a.test'

/** Alice, Bob and Carol, each with an identity, in one room; the server is bad from the beginning. */
async function roomOfThree(seed: string) {
  const town = new Town(seed)
  const evil = new MaliciousServer(town.service)
  const phones: Phone[] = []
  for (const jid of [alice, bob, carol]) phones.push(await town.phone(`${jid}/phone`))
  for (const { identity } of phones) await identity.create()
  const [alices, bobs, carols] = phones as [Phone, Phone, Phone]
  const [a, b, c] = [await alices.mls(), await bobs.mls(), await carols.mls()]
  const garden = await a.room(roomJid)
  for (const jid of [bob, carol]) await garden.invite(jid)
  await town.until('the invitations', () => b.invitations.length === 1 && c.invitations.length === 1)
  const [atBob, atCarol] = [await b.room(roomJid), await c.room(roomJid)]
  await town.until('agreement', () => [garden, atBob, atCarol].every((room) => room.devices().length === 3))
  await town.wait(10_000)
  const freeze = (to: string) => {
    for (const node of [identityNodes.manifest, identityNodes.log]) evil.freeze(alice, node, { to })
  }
  return { town, evil, alices, bobs, carols, garden, atBob, freeze }
}

/** Whether a phone has come to know a manifest of alice, or warns of her state. */
async function knows(phone: Phone, seq: bigint | undefined): Promise<string | undefined> {
  const came = phone.findings.some(({ finding }) => finding.kind === 'advanced' && finding.to.seq === seq)
  const { state } = await phone.identity.contact(alice)
  return came ? 'the manifest came from a member' : state === 'TOFU' ? undefined : `shown as ${state}`
}

/** 4b: the server shows Bob nothing new of Alice; she writes in a room. */
const frozenMember: Attack = {
  id: '4b',
  name: 'the server freezes what it shows to one member of a room',
  stoppedBy: 'the manifest came from a member',
  async run() {
    const { town, alices, bobs, garden, freeze } = await roomOfThree('frozen')
    freeze(bob)
    await alices.identity.vouch()
    await garden.send('hello')
    await town.wait(20_000)
    const by = await knows(bobs, alices.identity.status.seq)
    town.stop()
    return verdict(by === undefined, 'an old list passes for the newest', by ?? 'nothing')
  },
}

/** 5b: Bob is shown the newest list of Alice and Carol an old one; Bob commits. */
const dividedMembers: Attack = {
  id: '5b',
  name: 'the server shows two members of a room two lists',
  stoppedBy: 'the manifest came from a member',
  async run() {
    const { town, alices, bobs, carols, atBob, freeze } = await roomOfThree('divided')
    freeze(carol)
    await alices.identity.vouch()
    await bobs.identity.refresh(alice)
    await atBob.update()
    await town.wait(20_000)
    const by = await knows(carols, alices.identity.status.seq)
    town.stop()
    return verdict(by === undefined, 'two members believe two lists', by ?? 'nothing')
  },
}

/** 6b: the server goes on offering the KeyPackage of a laptop that was lost. */
const offeredAgain: Attack = {
  id: '6b',
  name: 'the server offers the KeyPackage of a removed device',
  stoppedBy: 'the phone alone',
  async run() {
    const town = new Town('offered again')
    const evil = new MaliciousServer(town.service)
    const [alices, bobs] = [await town.phone(`${alice}/phone`), await town.phone(`${bob}/phone`)]
    for (const { identity } of [alices, bobs]) await identity.create()
    await alices.mls()
    const laptop = await linked(town, alices, `${alice}/laptop`)
    const { device } = await laptop.mls()
    const published = evil.seen.filter(({ node, item }) => node === keyPackagesNode && item.id === device).at(-1)
    if (published === undefined) throw new Error('the laptop has no packages')
    await laptop.close()
    await alices.identity.removeDevice(device, { reason: 'lost' })
    evil.show(alice, keyPackagesNode, { item: published.item })
    const room = await (await bobs.mls()).room(roomJid)
    await room.invite(alice)
    await town.wait(20_000)
    const inside = room.devices().filter(({ account }) => account === alice)
    town.stop()
    const back = inside.some((one) => one.device === device)
    return verdict(back, 'the finder of the laptop reads the room', 'the phone alone is invited')
  },
}

export const roomAttacks: readonly Attack[] = [frozenMember, dividedMembers, offeredAgain]
