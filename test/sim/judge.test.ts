import { describe, expect, test } from 'vitest'
import type { Actor } from '../../scripts/sim-actor.ts'
import { judge } from '../../scripts/sim-judge.ts'
import { XmppService } from '../../src/testing/xmpp/index.ts'
import { buildEncrypted } from '../../src/xmpp/mls/wire/encrypted.ts'
import { element } from '../../src/xmpp/stanza/element.ts'
import { message } from '../../src/xmpp/stanza/stanza.ts'

const room = 'room0@conference.a.test'
const [alice, bob] = ['alice@a.test', 'bob@a.test']

interface Sketch {
  readonly jid: string
  readonly state?: string
  readonly history?: number
  readonly tree?: readonly string[]
  readonly shown?: readonly string[]
  readonly unreadable?: readonly string[]
  readonly missing?: readonly [account: string, first: number, last: number]
  readonly sent?: boolean
  readonly quiet?: boolean
  readonly canSend?: boolean
  readonly invitations?: readonly string[]
  readonly failures?: readonly string[]
}

/** What the judge reads of an actor. */
function actor(sketch: Sketch): Actor {
  const { jid, state = 'active', history = 1, tree = [alice, bob], shown = [], unreadable = [] } = sketch
  const [account, first, last] = sketch.missing ?? []
  const issues = account === undefined ? [] : [{ kind: 'missing', sender: { account }, first, last }]
  return {
    jid,
    room,
    failures: sketch.failures ?? [],
    invitations: sketch.invitations ?? [],
    quiet: sketch.quiet ?? true,
    shown: new Map(shown.map((body) => ['id1', { id: 'id1', body, number: 3 }])),
    unreadable: new Set(unreadable),
    sent: new Map(sketch.sent === true ? [['a1', { id: 'id1', body: 'hello' }]] : []),
    reports: new Map(),
    shownEver: shown.length,
    handle: {
      health: { state, issues, epoch: 2n, canSend: sketch.canSend ?? true },
      idle: true,
      epochAuthenticator: Uint8Array.of(history),
      devices: () => tree.map((account) => ({ account })),
      session: { state: { joinEpoch: 1n } },
    },
  } as unknown as Actor
}

async function violations(...actors: readonly Actor[]): Promise<readonly string[]> {
  const service = new XmppService({ seed: 'judge', sites: { 'a.test': 'prosody' } })
  const session = service.connect(`${alice}/x`)
  const join = element('x', 'http://jabber.org/protocol/muc')
  await session.send({ ...message({ to: `${room}/alice` }, join), name: 'presence' })
  await service.clock.advance(100)
  // the head of a PrivateMessage: version, wire format, group, epoch
  const bytes = Uint8Array.of(0, 1, 0, 2, 1, 9, 0, 0, 0, 0, 0, 0, 0, 2)
  const encrypted = buildEncrypted({ payload: { kind: 'inline', bytes } })
  service.archive(room).add({ id: 'a1', at: 0, message: message({ from: `${room}/alice` }, encrypted) })
  return judge(service, actors).violations
}

describe('the judge of simulations', () => {
  const author = actor({ jid: alice, sent: true })

  test('has nothing to say where each message was shown, reported, or is known to be missing', async () => {
    expect(await violations(author, actor({ jid: bob, shown: ['hello'] }))).toEqual([])
    expect(await violations(author, actor({ jid: bob, unreadable: ['a1'] }))).toEqual([])
    expect(await violations(author, actor({ jid: bob, missing: [alice, 2, 4] }))).toEqual([])
  })

  test.each<[string, Partial<Sketch>, RegExp]>([
    ['a message that was lost', {}, /bob@a.test was not shown a1 of epoch 2/],
    ['the report of another message', { missing: ['carol@a.test', 1, 9], unreadable: ['a2'] }, /not told/],
    ['another text', { shown: ['other'] }, /a1 was shown with another text/],
    ['another history', { shown: ['hello'], history: 2 }, /has 2 histories/],
    ['somebody stuck', { shown: ['hello'], quiet: false }, /bob@a.test is stuck/],
    ['somebody who cannot send', { shown: ['hello'], canSend: false }, /bob@a.test cannot send/],
    [
      'somebody in the tree who is not in',
      { state: 'waiting' },
      /bob@a.test is not in .* the tree says otherwise: waiting/,
    ],
    ['an invitation to where one is', { shown: ['hello'], invitations: [room] }, /still invited/],
    ['what an actor has noticed itself', { shown: ['hello'], failures: ['bob saw it twice'] }, /bob saw it twice/],
  ])('finds %s', async (_name, sketch, expected) => {
    const found = await violations(author, actor({ jid: bob, ...sketch }))
    expect(found).toHaveLength(1)
    expect(found[0]).toMatch(expected)
  })

  test('finds a room that nobody is in, somebody in who is not in the tree, and a message that no archive has', async () => {
    const gone = [actor({ jid: alice, state: 'waiting' }), actor({ jid: bob, state: 'removed' })]
    expect(await violations(...gone)).toEqual([`${room} has 0 histories`])
    const alone = actor({ jid: alice, tree: [alice] })
    expect(await violations(alone, actor({ jid: bob, tree: [alice] }))).toEqual([
      expect.stringMatching(/bob@a.test is in .* the tree says otherwise/),
    ])
    const liar = actor({ jid: alice, sent: true })
    liar.sent.set('a9', { id: 'id9', body: 'never' })
    expect(await violations(liar, actor({ jid: bob, shown: ['hello'] }))).toEqual([
      'alice@a.test sent a9, and the archive does not have it',
    ])
  })
})
