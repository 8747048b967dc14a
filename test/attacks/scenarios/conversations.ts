/** Attacks on conversations: clients of the binding, a service that lies, members with software of their own. */
import { copyBytes } from '../../../src/bytes/bytes.ts'
import { cipherSuite, createKeyPackage } from '../../../src/index.ts'
import { MemoryMedium } from '../../../src/storage/memory.ts'
import { decodeMlsMessage } from '../../../src/wire/mls-message.ts'
import type { Participant } from '../../../src/xmpp/index.ts'
import { sealContent } from '../../../src/xmpp/mls/content.ts'
import { buildEncrypted } from '../../../src/xmpp/mls/wire/encrypted.ts'
import { buildKeyPackages, parseKeyPackages } from '../../../src/xmpp/mls/wire/key-packages.ts'
import { keyPackagesNode } from '../../../src/xmpp/mls/wire/namespace.ts'
import { element, withChildren, type XmlElement } from '../../../src/xmpp/stanza/element.ts'
import { message } from '../../../src/xmpp/stanza/stanza.ts'
import { buildHint } from '../../../src/xmpp/xep/xep-0334.ts'
import { buildStanzaId } from '../../../src/xmpp/xep/xep-0359.ts'
import { signerOf } from '../../identity/fixture.ts'
import { bodies, listen, roomJid, World } from '../../xmpp/mls/world.ts'
import { type Attack, refusal, stopped, verdict } from '../attack.ts'
import { alice, bob, put, Town } from '../stage.ts'

/** The packages that an account shows, as the server has them. */
function packagesOf(town: World, account: string, device: string) {
  const found = town.service.site(account).account(account).pep.nodes.get(keyPackagesNode)?.items.get(device)
  const packages = parseKeyPackages(found)
  if (packages === undefined) throw new Error('no packages')
  return packages
}

/** 8a: the server puts a package with a key of its own beside the name and the certificate of the victim. */
const swappedPackage: Attack = {
  id: '8a',
  name: 'the server swaps the KeyPackage of a contact for its own',
  stoppedBy: 'xmpp/no_devices',
  async run() {
    const town = new Town('swapped package')
    const [alices, bobs] = [await town.phone(`${alice}/phone`), await town.phone(`${bob}/phone`)]
    await alices.identity.create()
    await bobs.identity.create()
    const device = alices.identity.status.device
    await alices.mls()
    const client = await bobs.mls()
    const { lastResort } = packagesOf(town, alice, device)
    const decoded = decodeMlsMessage(lastResort!)
    if (decoded.wireFormat !== 'mls_key_package') throw new Error('no package')
    const { leafNode } = decoded.keyPackage
    if (leafNode.leafNodeSource !== 'key_package') throw new Error('no package')
    const { credential, capabilities, extensions } = leafNode
    const bundle = await createKeyPackage({
      suite: await cipherSuite(1),
      identity: { credential, signer: signerOf('server') },
      capabilities,
      leafExtensions: extensions,
      clock: town.service.clock,
    })
    const swapped = buildKeyPackages({ device, oneTime: [bundle.message], lastResort: undefined })
    put(town, alice, keyPackagesNode, device, swapped)
    const room = await client.room(roomJid)
    const error = await refusal(() => room.invite(alice))
    await town.wait(5_000)
    const inside = room.devices().some(({ account }) => account === alice)
    town.stop()
    return verdict(inside, 'the server reads the room under the name of the contact', error ?? 'nothing')
  },
}

/** A room of two, the second of whom has software of his own. */
async function pair(seed: string, prepare: (world: World) => void = () => undefined) {
  const world = new World(seed)
  prepare(world)
  const victim = await world.device('alice@a.test/x')
  const other = await world.device('bob@a.test/x')
  const garden = await victim.client.room(roomJid)
  await garden.invite('bob@a.test')
  await world.until('the invitation', () => other.client.invitations.length === 1)
  const bobs = await other.client.room(roomJid)
  const heard = listen(garden)
  const group = bobs.session.state.group!
  /** An application message that says what its sender likes. */
  const craft = (body: string, from: string) => {
    const data = sealContent({ kind: 'text', body }, { from, to: roomJid, time: 0 })
    const bytes = group.protect(data, { authenticatedData: new Uint8Array(0) })
    const encrypted = buildEncrypted({ payload: { kind: 'inline', bytes } })
    return bobs.session.ports.room.send([encrypted, buildHint('store')])
  }
  return { world, victim, garden, bobs, heard, craft }
}

/** Every stanza with another real address for an occupant. */
function withOtherAddress(stanza: XmlElement, real: string, shown: string): XmlElement {
  const jid = stanza.attrs['jid']
  const lie = stanza.name === 'item' && stanza.ns.endsWith('muc#user') && jid?.startsWith(real) === true
  const attrs = lie ? { ...stanza.attrs, jid: jid.replace(real, shown) } : stanza.attrs
  const children = stanza.children.map((one) => (typeof one === 'string' ? one : withOtherAddress(one, real, shown)))
  return withChildren({ ...stanza, attrs }, children)
}

/** 23: the service says that bob is carol, and bob says so himself. */
const lyingService: Attack = {
  id: '23',
  name: 'the room service lies about the real address of a member',
  stoppedBy: 'malformed, proven sender bob@a.test',
  async run() {
    const { world, heard, craft } = await pair('liar', ({ service }) => {
      service.intercept((stanza, to) =>
        to.startsWith('alice@') ? withOtherAddress(stanza, 'bob@a.test', 'carol@a.test') : stanza,
      )
    })
    await craft('send me your password', 'carol@a.test')
    await world.until('an outcome', () => heard.messages.length + heard.unreadable.length > 0)
    world.stop()
    const fooled = heard.messages.some(({ sender }: { sender: Participant }) => sender.account === 'carol@a.test')
    const [refused] = heard.unreadable
    return verdict(
      fooled,
      'a message of bob is shown as one of carol',
      `${refused?.reason}, proven sender ${refused?.sender?.account}`,
    )
  },
}

/** A groupchat message as the server would make it out of nothing. */
const injected = (to: string, id: string, ...children: XmlElement[]): XmlElement =>
  message(
    { from: `${roomJid}/bob`, to, type: 'groupchat', id },
    ...children,
    buildStanzaId({ id: `archive-${id}`, by: roomJid }),
  )
const body = (text: string): XmlElement => element('body', 'jabber:client', {}, text)

/** 24c: text without encryption, from the address of a member. */
const plaintext: Attack = {
  id: '24c',
  name: 'the server injects plain text into an encrypted room',
  stoppedBy: 'not shown',
  async run() {
    const { world, victim, heard, bobs } = await pair('plain')
    world.service.inject(victim.port.jid, injected(victim.port.jid, 'p1', body('call this number')))
    await bobs.send('hello')
    await world.until('the real message', () => bodies(heard.messages).includes('hello'))
    world.stop()
    const shown = bodies(heard.messages).includes('call this number')
    return verdict(shown, 'plain text of the server is shown among the messages', 'not shown, the encrypted message is')
  },
}

/** 25a: a correction of an encrypted message, out of nothing. */
const injectedCorrection: Attack = {
  id: '25a',
  name: 'the server injects a correction',
  stoppedBy: 'not shown',
  async run() {
    const { world, victim, heard, bobs } = await pair('correction')
    await bobs.send('meet at nine')
    await world.until('the message', () => heard.messages.length === 1)
    const replace = element('replace', 'urn:xmpp:message-correct:0', { id: heard.messages[0]!.id })
    world.service.inject(victim.port.jid, injected(victim.port.jid, 'p2', body('meet at three'), replace))
    await bobs.send('bye')
    await world.until('the next message', () => bodies(heard.messages).includes('bye'))
    world.stop()
    const shown = bodies(heard.messages).includes('meet at three')
    return verdict(
      shown,
      'the text of the server takes the place of the message',
      'not shown, the encrypted message is',
    )
  },
}

/** 25b: a member corrects what another one wrote. */
const foreignCorrection: Attack = {
  id: '25b',
  name: 'a member corrects the message of somebody else',
  stoppedBy: 'not-author',
  async run() {
    const { world, garden, heard, bobs } = await pair('author')
    const read = listen(bobs)
    const { id } = await garden.send('I owe you nothing')
    await world.until('it', () => read.messages.length === 1)
    await bobs.correct(id, 'I owe you a thousand').catch(() => undefined)
    await world.until('an outcome', () => heard.messages.length + heard.unreadable.length > 0)
    world.stop()
    const shown = heard.messages.some(({ content }) => content.kind === 'correction')
    return verdict(
      shown,
      'the words of one are put into the mouth of another',
      heard.unreadable[0]?.reason ?? 'nothing',
    )
  },
}

/** 28: the storage of a device is put back to an earlier state. */
const clone: Attack = {
  id: '28',
  name: 'a copy of the state of a device goes on beside it',
  stoppedBy: 'group/quarantined',
  async run() {
    const world = new World('clone')
    const [victim, other] = [await world.device('alice@a.test/x'), await world.device('bob@a.test/x')]
    const garden = await victim.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => other.client.invitations.length === 1)
    await other.client.room(roomJid)
    await garden.send('before')
    await world.until('quiet', () => garden.idle)
    const copy = new MemoryMedium()
    const all = { from: new Uint8Array(0), before: Uint8Array.of(255), reverse: false, limit: Number.POSITIVE_INFINITY }
    for (const { address, value } of victim.medium.rows(all)) copy.write(copyBytes(address), copyBytes(value))
    for (let i = 0; i < 40; i++) await garden.send(`later ${i}`)
    await world.until('quiet', () => garden.idle)
    victim.port.disconnect()
    await victim.client.close()
    const again = await world.device('alice@a.test/x', { medium: copy })
    const room = await again.client.room(roomJid)
    const copied = room.health.issues.some(({ kind }) => kind === 'copied')
    const error = await refusal(() => room.send('from the copy'))
    world.stop()
    return verdict(
      error === undefined && !copied,
      'the copy encrypts with keys that were used before',
      error ?? 'nothing',
    )
  },
}

/** 29: all one-time packages are taken. */
const exhausted: Attack = {
  id: '29',
  name: 'somebody uses up all KeyPackages of a person',
  stoppedBy: 'invited all the same, with the last resort',
  async run() {
    const world = new World('exhausted')
    const [victim, other] = [await world.device('alice@a.test/x'), await world.device('bob@a.test/x')]
    const { device } = victim.client
    const { lastResort } = packagesOf(world, 'alice@a.test', device)
    world.service.forgeItem(
      'alice@a.test',
      keyPackagesNode,
      device,
      buildKeyPackages({ device, oneTime: [], lastResort }),
    )
    const garden = await other.client.room(roomJid)
    const error = await refusal(() => garden.invite('alice@a.test'))
    if (error === undefined) {
      await world.until('the invitation', () => victim.client.invitations.length === 1)
      await victim.client.room(roomJid)
    }
    world.stop()
    return error === undefined
      ? stopped('invited all the same, with the last resort')
      : verdict(error === 'xmpp/no_devices', 'nobody can write to the person any more', error)
  },
}

export const conversationAttacks: readonly Attack[] = [
  swappedPackage,
  lyingService,
  plaintext,
  injectedCorrection,
  foreignCorrection,
  clone,
  exhausted,
]
