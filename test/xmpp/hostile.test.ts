import fc from 'fast-check'
import { expect, test } from 'vitest'
import { SeededRandom, VirtualClock } from '../../src/testing/xmpp/index.ts'
import { readArchive } from '../../src/xmpp/archive.ts'
import { MixRoom } from '../../src/xmpp/mix/mix-room.ts'
import { MucRoom } from '../../src/xmpp/muc/muc-room.ts'
import { onPepEvent } from '../../src/xmpp/pep/pep-fetch.ts'
import type { XmppContext, XmppPort } from '../../src/xmpp/port.ts'
import type { RoomEvent } from '../../src/xmpp/room.ts'
import { element, type XmlElement } from '../../src/xmpp/stanza/element.ts'
import { carbonIn } from '../../src/xmpp/xep/xep-0280.ts'

const room = 'r@conference.a.test'
const own = 'me@a.test'

/** A connection on which the test is the server. */
function bare(): { context: XmppContext; receive: (stanza: XmlElement) => void } {
  const listeners = new Set<(stanza: XmlElement) => void>()
  const port: XmppPort = {
    jid: `${own}/x`,
    send: async () => undefined,
    request: async () => element('iq', 'jabber:client', { type: 'result' }),
    onStanza: (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  return {
    context: { port, timers: new VirtualClock(), random: new SeededRandom(1) },
    receive: (stanza) => {
      for (const listener of listeners) listener(stanza)
    },
  }
}

const jid = fc.constantFrom(
  room,
  `${room}/me`,
  `${room}/nick`,
  `${room}/`,
  own,
  `${own}/x`,
  'a@b@c',
  '',
  '@',
  'evil.test',
  ' ',
)
const names = fc.constantFrom(
  ['x', 'http://jabber.org/protocol/muc#user'],
  ['item', 'http://jabber.org/protocol/muc#user'],
  ['status', 'http://jabber.org/protocol/muc#user'],
  ['invite', 'http://jabber.org/protocol/muc#user'],
  ['stanza-id', 'urn:xmpp:sid:0'],
  ['origin-id', 'urn:xmpp:sid:0'],
  ['mix', 'urn:xmpp:mix:core:0'],
  ['mix', 'urn:xmpp:mix:core:1'],
  ['jid', 'urn:xmpp:mix:core:0'],
  ['submission-id', 'urn:xmpp:mix:core:0'],
  ['event', 'http://jabber.org/protocol/pubsub#event'],
  ['items', 'http://jabber.org/protocol/pubsub#event'],
  ['item', 'http://jabber.org/protocol/pubsub#event'],
  ['retract', 'http://jabber.org/protocol/pubsub#event'],
  ['participant', 'urn:xmpp:mix:core:0'],
  ['result', 'urn:xmpp:mam:2'],
  ['fin', 'urn:xmpp:mam:2'],
  ['forwarded', 'urn:xmpp:forward:0'],
  ['delay', 'urn:xmpp:delay'],
  ['message', 'jabber:client'],
  ['sent', 'urn:xmpp:carbons:2'],
  ['received', 'urn:xmpp:carbons:2'],
  ['error', 'jabber:client'],
  ['subject', 'jabber:client'],
)
const attributes = fc.record(
  {
    id: fc.constantFrom('1', '', 'm1'),
    by: jid,
    from: jid,
    to: jid,
    jid,
    code: fc.constantFrom('110', '201', '301', 'x', '-1', '1e99'),
    affiliation: fc.constantFrom('owner', 'outcast', 'none', 'emperor'),
    type: fc.constantFrom('groupchat', 'error', 'chat', 'unavailable', 'result', 'odd'),
    node: fc.constantFrom('urn:xmpp:mix:nodes:participants', 'urn:xmpp:mix:nodes:messages', ''),
    queryid: fc.constantFrom('q', ''),
    stamp: fc.constantFrom('2026-01-01T00:00:00Z', 'never'),
  },
  { requiredKeys: [] },
)
const tree: fc.Arbitrary<XmlElement> = fc.letrec<{ node: XmlElement }>((tie) => ({
  node: fc
    .tuple(
      names,
      attributes,
      fc.array(fc.oneof({ depthSize: 'small' }, fc.constantFrom('x', own), tie('node')), { maxLength: 3 }),
    )
    .map(([[name, ns], attrs, children]) => element(name!, ns!, attrs, ...children)),
})).node
const stanza = fc
  .tuple(fc.constantFrom('message', 'presence', 'iq'), attributes, fc.array(tree, { maxLength: 4 }))
  .map(([name, attrs, children]) => element(name, 'jabber:client', attrs, ...children))

test('no stanza makes a room, a channel, a node listener or the carbon reader throw', () => {
  fc.assert(
    fc.property(fc.array(stanza, { maxLength: 8 }), (stanzas) => {
      const { context, receive } = bare()
      const events: RoomEvent[] = []
      for (const seat of [new MucRoom(room, context), new MixRoom(room, context)])
        seat.onEvent((event) => events.push(event))
      onPepEvent(context.port, (account) => expect(account).not.toContain('/'))
      for (const item of stanzas) {
        receive(item)
        const found = carbonIn(item, own)
        if (found.kind === 'carbon') expect(item.attrs['from'] ?? own).toBe(own)
      }
      // Only the room's own stanzas become events of the room.
      const fromRoom = stanzas.some(({ attrs }) => attrs['from']?.startsWith(room) === true)
      if (!fromRoom) expect(events).toEqual([])
    }),
    { numRuns: 3000 },
  )
})

test('no stanza of others becomes a result of an archive query', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(stanza, { maxLength: 6 }), async (stanzas) => {
      const { context, receive } = bare()
      const answer = element('iq', 'jabber:client', {}, element('fin', 'urn:xmpp:mam:2', { complete: 'true' }))
      const port: XmppPort = {
        ...context.port,
        request: async () => {
          for (const item of stanzas) receive(item)
          return answer
        },
      }
      // The query's id is random: whoever does not know it can add nothing.
      expect((await readArchive({ ...context, port }, room, {})).results).toEqual([])
    }),
    { numRuns: 500 },
  )
})
