import { describe, expect, test } from 'vitest'
import { toBase64 } from '../../../src/index.ts'
import { sealContent } from '../../../src/xmpp/mls/content.ts'
import { encodeHeader, forkTag } from '../../../src/xmpp/mls/header.ts'
import { buildEncrypted } from '../../../src/xmpp/mls/wire/encrypted.ts'
import { buildHandshake } from '../../../src/xmpp/mls/wire/handshake.ts'
import { mlsNamespace } from '../../../src/xmpp/mls/wire/namespace.ts'
import { buildRoomWelcome } from '../../../src/xmpp/mls/wire/welcome.ts'
import { element, type XmlElement } from '../../../src/xmpp/stanza/element.ts'
import { message } from '../../../src/xmpp/stanza/stanza.ts'
import { buildCarbon } from '../../../src/xmpp/xep/xep-0280.ts'
import { buildHint } from '../../../src/xmpp/xep/xep-0334.ts'
import { buildStanzaId } from '../../../src/xmpp/xep/xep-0359.ts'
import { bodies, listen, roomJid, World } from './world.ts'

async function pair(seed: string) {
  const world = new World(seed)
  const alice = await world.device('alice@a.test/x')
  const bob = await world.device('bob@a.test/x')
  const garden = await alice.client.room(roomJid)
  await garden.invite('bob@a.test')
  await world.until('the invitation', () => bob.client.invitations.length === 1)
  const bobs = await bob.client.room(roomJid)
  const heard = listen(garden)
  const group = bobs.session.state.group!
  const raw = (...children: XmlElement[]) => bobs.session.ports.room.send([...children, buildHint('store')])
  /** An application message as a member with his own software could make it. */
  const craft = (data: Uint8Array, authenticatedData: Uint8Array) => {
    const bytes = group.protect(data, { authenticatedData })
    return raw(buildEncrypted({ payload: { kind: 'inline', bytes } }))
  }
  const plain = (body: string, to = roomJid, from = 'bob@a.test') =>
    sealContent({ kind: 'text', body }, { from, to, time: 0 })
  return { world, alice, bob, garden, bobs, heard, raw, group, craft, plain }
}

describe('bad input from the room', () => {
  test('garbage of every kind is reported or ignored, changes nothing and throws nowhere', async () => {
    const { world, garden, bobs, heard, raw, group } = await pair('garbage')
    const before = garden.epochAuthenticator
    const ns = mlsNamespace
    const id = toBase64(group.id)
    const bytes = new Uint8Array(300).fill(9)
    const inline = { kind: 'inline', bytes } as const
    await raw(element('encrypted', ns, { group: id, epoch: 1 }, element('payload', ns, {}, 'not base64!')))
    await raw(element('encrypted', ns, { group: id, epoch: '-1' }, element('payload', ns, {}, toBase64(bytes))))
    await raw(element('encrypted', `${ns}:other`, { group: id, epoch: 1 }, element('payload', ns, {}, 'AAAA')))
    await raw(element('encrypted', ns, { group: 'A'.repeat(50_000), epoch: 1 }))
    await raw(element('handshake', ns, {}))
    await raw(element('handshake', ns, { group: id, epoch: 1 }, element('commit', ns, {}, 'AAAA')))
    await raw(buildEncrypted({ payload: inline }))
    await raw(
      buildHandshake({
        kind: 'commit',
        group: group.id,
        epoch: 1n,
        payload: inline,
        groupInfo: undefined,
        tree: undefined,
      }),
    )
    await raw(
      buildHandshake({
        kind: 'proposal',
        group: group.id,
        epoch: 1n,
        payload: inline,
        groupInfo: undefined,
        tree: undefined,
      }),
    )
    await raw(
      buildHandshake({
        kind: 'init',
        group: bytes.slice(0, 32),
        epoch: 0n,
        payload: undefined,
        groupInfo: inline,
        tree: undefined,
      }),
    )
    await raw(buildEncrypted({ payload: inline }), buildEncrypted({ payload: inline }))
    await raw(element('chunk', ns, { id: 'x', n: 9, of: 3 }, 'AAAA'))
    const gone = { kind: 'chunks', id: 'gone', count: 3, size: 100, sha256: new Uint8Array(32) } as const
    await raw(buildEncrypted({ payload: gone }))
    await bobs.send('still here')
    await world.until('the message behind it all', () => heard.messages.length === 1)
    await world.until('giving up', () => heard.unreadable.some(({ reason }) => reason === 'unavailable'))
    await world.until('quiet', () => garden.idle)
    expect(garden.epochAuthenticator).toEqual(before)
    expect(new Set(heard.unreadable.map(({ reason }) => reason))).toEqual(new Set(['malformed', 'unavailable']))
    expect(heard.errors.map(({ kind }) => kind).filter((kind) => kind === 'internal')).toEqual([])
    expect(garden.health).toMatchObject({ state: 'active', canSend: true })
    world.stop()
  })

  test('stanzas that the room did not archive, or whose id is forged, are not taken', async () => {
    const { world, alice, garden, heard, group, craft, plain } = await pair('spoof')
    const archive = world.service.archive(roomJid)
    const count = archive.entries.length
    const bytes = group.protect(plain('spoofed'))
    const forged = buildEncrypted({ payload: { kind: 'inline', bytes } })
    const attrs = { from: `${roomJid}/bob`, to: alice.port.jid, type: 'groupchat', id: 'z' }
    world.service.inject(alice.port.jid, message(attrs, forged))
    world.service.inject(alice.port.jid, message(attrs, forged, buildStanzaId({ id: 'q1', by: 'bob@a.test' })))
    const twice = [buildStanzaId({ id: 'q2', by: roomJid }), buildStanzaId({ id: 'q3', by: roomJid })]
    world.service.inject(alice.port.jid, message(attrs, forged, ...twice))
    world.service.inject(alice.port.jid, message({ ...attrs, type: 'chat' }, forged))
    world.service.inject(alice.port.jid, message({ ...attrs, from: 'other@conference.a.test/bob' }, forged))
    await craft(plain('unbound'), new Uint8Array(0))
    await world.until('the real one', () => heard.messages.length === 1)
    expect(heard.messages[0]).toMatchObject({ body: 'unbound', binding: 'unbound', number: undefined })
    expect(heard.errors.map(({ kind }) => kind)).toEqual(['unarchived', 'unarchived', 'unarchived'])
    expect(archive.entries).toHaveLength(count + 1)
    expect(garden.health.state).toBe('active')
    world.stop()
  })

  test('a stanza that is sent again is shown once; a member who sends another one as new is caught', async () => {
    const { world, garden, bobs, heard, raw, group, craft, plain } = await pair('replay')
    await bobs.send('once')
    await world.until('it', () => heard.messages.length === 1)
    const stored = (await bobs.session.ports.room.page({ before: '', max: 1 })).entries[0]!.element
    await raw(
      stored.children.find((node): node is XmlElement => typeof node !== 'string' && node.name === 'encrypted')!,
    )
    // the header of another generation, then one whose name was used before
    const header = { number: 2n, previous: new Uint8Array(0), seen: undefined, fork: forkTag(group) }
    await craft(
      plain('again'),
      encodeHeader({ ...header, generation: group.nextGeneration + 5, id: new Uint8Array(16) }),
    )
    const id = Uint8Array.from(heard.messages[0]!.id.match(/../g)!, (hex) => Number.parseInt(hex, 16))
    await craft(plain('again'), encodeHeader({ ...header, generation: group.nextGeneration, id }))
    await craft(plain('elsewhere', 'other@conference.a.test'), new Uint8Array(0))
    await craft(plain('as somebody else', roomJid, 'alice@a.test'), new Uint8Array(0))
    await craft(new Uint8Array([60, 33]), new Uint8Array(0))
    await craft(plain('the end'), new Uint8Array(0))
    await world.until('the end', () => heard.messages.length === 2)
    expect(bodies(heard.messages)).toEqual(['once', 'the end'])
    expect(heard.unreadable.map(({ reason, sender }) => [reason, sender?.account])).toEqual([
      ['replayed', 'bob@a.test'],
      ['replayed', 'bob@a.test'],
      ['wrong-room', 'bob@a.test'],
      ['malformed', 'bob@a.test'],
      ['malformed', 'bob@a.test'],
    ])
    expect(garden.health.state).toBe('active')
    world.stop()
  })

  test('Welcomes that are not for this device, forged copies and Welcomes to other rooms do nothing', async () => {
    const { world, bob, garden } = await pair('welcomes')
    const carol = await world.device('carol@a.test/x')
    const problems: string[] = []
    carol.client.on('error', ({ error }) => problems.push(error.code))
    const stanzas: XmlElement[] = []
    world.service.intercept((stanza, to) => {
      if (to.startsWith('dave') && stanza.name === 'message') stanzas.push(stanza)
      return stanza
    })
    await world.device('dave@a.test/x')
    await garden.invite('dave@a.test')
    const isWelcome = ({ children }: XmlElement) =>
      children.some((node) => typeof node !== 'string' && node.name === 'welcome')
    await world.until('the Welcome of dave', () => stanzas.some(isWelcome))
    const welcome = stanzas.find(isWelcome)!
    const main = welcome.children[0] as XmlElement
    const from = 'alice@a.test/x'
    world.service.inject(carol.port.jid, message({ from, to: 'carol@a.test', type: 'chat' }, main))
    const copy = buildCarbon('mallory@a.test', carol.port.jid, 'chat', { direction: 'received', message: welcome })
    world.service.inject(carol.port.jid, copy)
    const junk = { kind: 'inline', bytes: new Uint8Array(40) } as const
    const bad = buildRoomWelcome({ room: roomJid, epoch: 1n, at: 'x', peer: undefined, payload: junk, tree: junk })
    world.service.inject(carol.port.jid, message({ from, to: 'carol@a.test', type: 'chat' }, bad))
    world.service.inject(carol.port.jid, message({ from, to: 'carol@a.test', type: 'groupchat' }, bad))
    await world.wait(500)
    expect(carol.client.invitations).toEqual([])
    expect(problems).toEqual(['version/unsupported'])
    expect(bob.client.invitations).toEqual([])
    world.stop()
  })

  test('a correction counts only from the author', async () => {
    const { world, garden, bobs, heard } = await pair('author')
    const back = listen(bobs)
    const sent = await garden.send('mine')
    await world.until('it', () => back.messages.length === 1)
    await bobs.correct(sent.id, 'yours')
    await bobs.react(sent, '👍', '👍', '🌱')
    await bobs.displayed(sent)
    await world.until('the rest', () => heard.messages.length === 2)
    expect(heard.unreadable.map(({ reason }) => reason)).toEqual(['not-author'])
    expect(heard.messages.map(({ content }) => content)).toEqual([
      { kind: 'reaction', to: sent.id, emojis: ['👍', '🌱'] },
      { kind: 'displayed', to: sent.id },
    ])
    await garden.correct(sent, 'mine, better')
    await garden.retract(sent)
    await garden.sendXml(
      element(
        'geoloc',
        'http://jabber.org/protocol/geoloc',
        {},
        element('lat', 'http://jabber.org/protocol/geoloc', {}, '1'),
      ),
    )
    await world.until('all', () => back.messages.length === 4)
    expect(back.messages.slice(1).map(({ content }) => content.kind)).toEqual(['correction', 'retraction', 'xml'])
    expect(back.messages[3]!.elements[0]).toMatchObject({ name: 'geoloc' })
    world.stop()
  })
})
