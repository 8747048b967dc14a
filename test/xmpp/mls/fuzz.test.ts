import { describe, expect, test } from 'vitest'
import { MlsError } from '../../../src/bytes/errors.ts'
import { SeededRandom } from '../../../src/testing/xmpp/index.ts'
import { mlsNamespace } from '../../../src/xmpp/mls/wire/namespace.ts'
import type { XmppPort } from '../../../src/xmpp/port.ts'
import { element, elementsOf, type XmlElement, type XmlNode } from '../../../src/xmpp/stanza/element.ts'
import { message } from '../../../src/xmpp/stanza/stanza.ts'
import { buildCarbon } from '../../../src/xmpp/xep/xep-0280.ts'
import { buildHint } from '../../../src/xmpp/xep/xep-0334.ts'
import { buildStanzaId } from '../../../src/xmpp/xep/xep-0359.ts'
import { bodies, listen, roomJid, World } from './world.ts'

const [injected, sentToRoom] = [18_000, 2_000]
const client = 'jabber:client'

/** Changes XML in one of the ways in which it can be wrong. */
class Mutator {
  readonly #random: SeededRandom

  constructor(random: SeededRandom) {
    this.#random = random
  }

  pick<T>(list: readonly T[]): T {
    const found = list[Math.floor(this.#random.between(0, list.length))]
    if (found === undefined) throw new Error('nothing to pick from')
    return found
  }

  text(): string {
    const long = 'A'.repeat(this.pick([1, 100, 5_000, 60_000]))
    return this.pick([
      '',
      '-1',
      '0',
      '18446744073709551616',
      '1e9',
      'not base64!',
      'AAEAAv8=',
      '\u0000\uFFFF',
      ']]>',
      '👍',
      long,
    ])
  }

  change(node: XmlElement, depth = 0): XmlElement {
    const attrs: Record<string, string> = { ...node.attrs }
    let { name, ns } = node
    let children: XmlNode[] = [...node.children]
    const deeper = children.findIndex((one) => typeof one !== 'string')
    const inner = children[deeper]
    if (inner !== undefined && typeof inner !== 'string' && depth < 4 && this.#random.chance(0.6)) {
      const at = this.pick(children.flatMap((one, i) => (typeof one === 'string' ? [] : [i])))
      const chosen = children[at]
      if (chosen !== undefined && typeof chosen !== 'string') children[at] = this.change(chosen, depth + 1)
      return safe(name, ns, attrs, children)
    }
    const keys = Object.keys(attrs)
    switch (this.pick(['ns', 'name', 'attr', 'drop', 'more', 'text', 'flip', 'cut', 'twice', 'empty', 'nest'])) {
      case 'ns':
        ns = this.pick([`${mlsNamespace}:other`, 'urn:xmpp:mls:0', client, 'urn:xmpp:sid:0'])
        break
      case 'name':
        name = this.pick(['encrypted', 'handshake', 'chunk', 'request', 'welcome', 'payload', 'commit', 'body', 'tree'])
        break
      case 'attr':
        attrs[keys.length > 0 ? this.pick(keys) : 'group'] = this.text()
        break
      case 'drop':
        if (keys.length > 0) delete attrs[this.pick(keys)]
        break
      case 'more':
        for (let i = 0; i < 60; i++) attrs[`a${i}`] = 'x'.repeat(1_000)
        break
      case 'text':
        children = [this.text()]
        break
      case 'flip':
        children = children.map((one) => (typeof one === 'string' ? this.#flip(one) : one))
        break
      case 'cut':
        children = children.map((one) =>
          typeof one === 'string' ? one.slice(0, Math.floor(this.#random.between(0, one.length))) : one,
        )
        break
      case 'twice':
        children = [...children, ...children]
        break
      case 'empty':
        children = []
        break
      default:
        for (let i = 0; i < 40; i++) children = [safe(name, ns, {}, children)]
    }
    return safe(name, ns, attrs, children)
  }

  #flip(text: string): string {
    const at = Math.floor(this.#random.between(0, text.length))
    return `${text.slice(0, at)}${this.pick(['A', '/', 'z', '='])}${text.slice(at + 1)}`
  }

  /** Attributes and additions of a stanza that claims to be something else. */
  spoof(stanza: XmlElement, own: string): XmlElement {
    const attrs: Record<string, string> = { ...stanza.attrs, to: own }
    const room = this.pick([roomJid, 'other@conference.a.test', 'ROOM@conference.a.test'])
    attrs['from'] = this.pick([`${room}/bob`, `${room}/`, 'a.test', 'mallory@a.test/x', 'bob@a.test', own, '@@', ''])
    if (this.#random.chance(0.1)) delete attrs['from']
    attrs['type'] = this.pick(['groupchat', 'chat', 'normal', 'headline', 'error', '', 'x'])
    // a stanza id by the room counts only when the room itself sent it
    const mayClaim = bareOf(attrs['from']) !== roomJid
    const claimed = ['bob@a.test', own, 'other@conference.a.test', ...(mayClaim ? [roomJid] : [])]
    const ids = this.#random.chance(0.5)
      ? [buildStanzaId({ id: this.pick(['q', '1', 'x'.repeat(3000)]), by: this.pick(claimed) })]
      : []
    const kept = stanza.children.filter((one) => typeof one === 'string' || one.name !== 'stanza-id')
    return safe(stanza.name, stanza.ns, attrs, [...kept, ...ids])
  }
}

const bareOf = (jid: string | undefined) => (jid ?? '').split('/')[0]

/** An element as a parser could give it: without what XML cannot hold. */
function safe(name: string, ns: string, attrs: Record<string, string>, children: readonly XmlNode[]): XmlElement {
  const clean = (text: string) => text.replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '')
  const kept = Object.fromEntries(Object.entries(attrs).map(([key, value]) => [key, clean(value)]))
  return element(name, ns, kept, ...children.map((one) => (typeof one === 'string' ? clean(one) : one)))
}

/** A port that notes what its listeners throw, as it would end in the stack of the embedder. */
function watching(port: XmppPort, thrown: unknown[]): XmppPort {
  return {
    jid: port.jid,
    send: (stanza) => port.send(stanza),
    request: (iq, options) => port.request(iq, options),
    onStanza: (listener) =>
      port.onStanza((stanza) => {
        try {
          listener(stanza)
        } catch (error) {
          thrown.push(error)
        }
      }),
    ...(port.onState === undefined ? {} : { onState: port.onState.bind(port) }),
    ...(port.fetch === undefined ? {} : { fetch: port.fetch }),
  }
}

describe.each(['1'])('seed %s: a client that is sent', (seed) => {
  test('20,000 wrong stanzas throws nowhere, keeps its state, tells by typed events, and goes on', async () => {
    const world = new World(`fuzz ${seed}`)
    const random = new SeededRandom(`fuzz ${seed}`)
    const mutator = new Mutator(random)
    const thrown: unknown[] = []
    const real: XmlElement[] = []
    world.service.intercept((stanza) => {
      if (real.length < 400 && stanza.name !== 'iq') real.push(stanza)
      return stanza
    })
    const alice = await world.device('alice@a.test/x', { wrap: (port) => watching(port, thrown) })
    const problems: unknown[] = []
    alice.client.on('error', ({ error }) => problems.push(error))
    const bob = await world.device('bob@a.test/x')
    const garden = await alice.client.room(roomJid)
    await garden.invite('bob@a.test')
    await world.until('the invitation', () => bob.client.invitations.length === 1)
    const bobs = await bob.client.room(roomJid)
    const heard = listen(garden)
    await bobs.send('before')
    await garden.reply((await bobs.send('and again')).id, 'an answer')
    // somebody else's Welcome, KeyPackages, a commit
    await world.device('carol@a.test/x')
    await garden.invite('carol@a.test')
    await bobs.update()
    await world.until('quiet', () => garden.idle && bobs.idle && heard.messages.length === 2)
    const kinds = new Set(real.flatMap((one) => elementsOf(one).map(({ name }) => name)))
    for (const name of ['encrypted', 'handshake', 'welcome']) expect(kinds).toContain(name)

    const own = alice.port.jid
    const state = () => ({
      epoch: garden.session.state.group?.epoch,
      authenticator: garden.epochAuthenticator,
      devices: garden.devices(),
      policy: garden.policy,
      invitations: alice.client.invitations,
      rooms: alice.client.rooms.length,
      cursor: garden.session.state.cursor,
    })
    const before = state()
    for (let i = 0; i < injected; i++) {
      const source = mutator.pick(real)
      const changed = random.chance(0.8) ? mutator.change(source) : source
      const spoofed = mutator.spoof(changed, own)
      const carbon =
        random.chance(0.15) && spoofed.name === 'message'
          ? buildCarbon(mutator.pick(['mallory@a.test', roomJid, 'a.test', 'alice@b.test']), own, 'chat', {
              direction: mutator.pick(['received', 'sent']),
              message: spoofed,
            })
          : spoofed
      world.service.inject(own, carbon)
      if (i % 500 === 499) await world.wait(10)
    }
    await world.until('quiet', () => garden.idle)
    expect(thrown).toEqual([])
    expect(state()).toEqual(before)
    expect(bodies(heard.messages)).toEqual(['before', 'and again'])

    // what a member of the room can really do: the room keeps it and gives it an id
    const roomMessages = real.filter((one) => one.attrs['type'] === 'groupchat' && hasMls(one))
    for (let i = 0; i < sentToRoom; i++) {
      const source = mutator.pick(roomMessages)
      const main = elementsOf(source).find(({ ns }) => ns === mlsNamespace)
      if (main === undefined) continue
      const content = random.chance(0.9) ? mutator.change(main) : main
      await bob.port.send(message({ to: roomJid, type: 'groupchat', id: `f${i}` }, content, buildHint('store')))
      if (i % 200 === 199) await world.wait(50)
    }
    await bobs.send('after')
    await world.until('the message behind it all', () => heard.messages.length === 3)
    await world.until('quiet', () => garden.idle)
    const { cursor: _, ...kept } = state()
    const { cursor: __, ...was } = before
    expect(kept).toEqual(was)
    expect(bodies(heard.messages)).toEqual(['before', 'and again', 'after'])
    expect(thrown).toEqual([])
    expect(heard.unreadable.length).toBeGreaterThan(100)
    for (const { reason } of heard.unreadable) expect(typeof reason).toBe('string')
    const errors = [...problems, ...heard.errors.map(({ error }) => error)]
    for (const error of errors) expect(error).toBeInstanceOf(MlsError)
    expect(errors.filter((error) => error instanceof MlsError && error.kind === 'bug')).toEqual([])
    expect(garden.health).toMatchObject({ state: 'active', canSend: true })
    world.stop()
  }, 120_000)
})

function hasMls(stanza: XmlElement): boolean {
  return elementsOf(stanza).some(({ ns }) => ns === mlsNamespace)
}
