import { describe, expect, test } from 'vitest'
import { fromHex, toHex } from '../../../src/bytes/text.ts'
import { decodeHeader, encodeHeader } from '../../../src/xmpp/mls/header.ts'
import { mlsElementIn } from '../../../src/xmpp/mls/items.ts'
import { messagePlace } from '../../../src/xmpp/mls/wire/encrypted.ts'
import { mlsNamespace } from '../../../src/xmpp/mls/wire/namespace.ts'
import { elementsOf, type XmlElement } from '../../../src/xmpp/stanza/element.ts'
import { xmlSize } from '../../../src/xmpp/stanza/serialise.ts'
import { listen, roomJid, World } from './world.ts'

/** What one member sends when it makes a room, invites somebody and says one hundred bytes, twice. */
async function spoken(dialect: 'prosody' | 'ejabberd') {
  const world = new World(`outside ${dialect}`, { 'a.test': dialect })
  const sent: XmlElement[] = []
  const alice = await world.device('alice@a.test/x', {
    wrap: (port) => {
      const send = port.send.bind(port)
      return Object.assign(port, {
        send: async (stanza: XmlElement) => {
          if (stanza.name === 'message') sent.push(stanza)
          await send(stanza)
        },
      })
    },
  })
  const bob = await world.device('bob@a.test/x')
  const garden = await alice.client.room(roomJid)
  await garden.invite('bob@a.test')
  await world.until('the invitation', () => bob.client.invitations.length === 1)
  const heard = listen(await bob.client.room(roomJid))
  for (let i = 0; i < 2; i++) await garden.send('x'.repeat(100))
  await world.until('both', () => heard.messages.length === 2)
  world.stop()
  const of = (name: string) => sent.filter((stanza) => mlsElementIn(stanza)?.name === name)
  return { of }
}

const outside = (stanza: XmlElement) => elementsOf(stanza).map(({ name, ns }) => `${name} ${ns}`)
const client = 'jabber:client'

describe('the outside of a stanza', () => {
  test('of a message in a room that keeps ids: cipher text, how it is encrypted, what others show', async () => {
    const { of } = await spoken('prosody')
    const [first, second] = of('encrypted')
    expect(outside(first!)).toEqual([`encrypted ${mlsNamespace}`, 'encryption urn:xmpp:eme:0', `body ${client}`])
    expect(mlsElementIn(second!)!.attrs).toEqual({})
    expect(xmlSize(second!)).toBeLessThan(1_000)
    expect(new Set([first!.attrs['id'], second!.attrs['id']]).size).toBe(2)
  })

  test('names the message a second time where the room does not say that it keeps ids', async () => {
    const { of } = await spoken('ejabberd')
    const message = of('encrypted')[0]!
    const origin = elementsOf(message).find(({ name }) => name === 'origin-id')
    expect(origin?.attrs['id']).toBe(message.attrs['id'])
  })

  test('of a handshake and a Welcome has no body and asks to be kept', async () => {
    const { of } = await spoken('prosody')
    const others = [...of('handshake'), ...of('welcome')]
    expect(others.length).toBeGreaterThanOrEqual(3)
    for (const stanza of others) {
      expect(outside(stanza)).toContain('store urn:xmpp:hints')
      expect(outside(stanza)).not.toContain(`body ${client}`)
    }
  })
})

describe('the header of a message', () => {
  const id = '000102030405060708090a0b0c0d0e0f'
  const link = 'f0f1f2f3f4f5f6f7f8f9fafbfcfdfeff'
  const fork = '1122334455667788'
  // spec-notes/xmpp/mls.md §5.8, by hand: numbers are vectors without leading zeros
  const first = `01 00 ${id} 0101 00 00 ${fork}`
  const later = `01 02012c ${id} 0501000000ff 10${link} 01 0107 00 020100 ${link} ${fork}`
  const bytes = (text: string) => fromHex(text.replaceAll(' ', ''))

  test('is written as the document says', () => {
    const common = { id: fromHex(id), fork: fromHex(fork) }
    const none = { ...common, generation: 0, number: 1n, previous: new Uint8Array(0), seen: undefined }
    const seen = { epoch: 7n, leafIndex: 0, number: 256n, link: fromHex(link) }
    const full = { ...common, generation: 300, number: 0x01000000ffn, previous: fromHex(link), seen }
    expect(toHex(encodeHeader(none))).toBe(toHex(bytes(first)))
    expect(toHex(encodeHeader(full))).toBe(toHex(bytes(later)))
    expect(decodeHeader(bytes(first))).toEqual(none)
    expect(decodeHeader(bytes(later))).toEqual(full)
  })

  test.each([
    ['a number with a leading zero', `01 020001 ${id} 0101 00 00 ${fork}`],
    ['a generation beyond 32 bits', `01 050100000000 ${id} 0101 00 00 ${fork}`],
    ['a number beyond 64 bits', `01 00 ${id} 09010000000000000000 00 00 ${fork}`],
    ['a link of another length', `01 00 ${id} 0102 0101 00 ${fork}`],
    ['another version', `02 00 ${id} 0101 00 00 ${fork}`],
    ['bytes behind it', `${first} 00`],
    ['nothing', ''],
  ])('is refused with %s', (_what, text) => {
    expect(decodeHeader(bytes(text))).toBeUndefined()
  })
})

describe('the place of a message', () => {
  test('is read from its first bytes, and from a PrivateMessage alone', () => {
    const head = '0001 0002 020a0b 0000000000000105'
    expect(messagePlace(fromHex(head.replaceAll(' ', '')))).toEqual({ group: fromHex('0a0b'), epoch: 261n })
    for (const other of ['0001 0001 00 0000000000000000', '0002 0002 00 0000000000000000', '0001 0002 0a', ''])
      expect(messagePlace(fromHex(other.replaceAll(' ', '')))).toBeUndefined()
  })
})
