/**
 * The process that binding-trials.ts kills: a whole client of the XMPP binding on LMDB, whose stream goes to the service in the
 * parent. Prints each encryption before it happens (`seal HASHES`), `ready` when it can be invited, `open`, `ack ID` for a message that is durable, and for the
 * life `settle`, which sends one message and ends, `state SAFETY-NUMBER`. Arguments: folder, name of this life, own JID, room.
 */
import { randomBytes } from 'node:crypto'
import { writeSync } from 'node:fs'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { MlsClient } from '../../src/xmpp/index.ts'
import type { XmppPort } from '../../src/xmpp/port.ts'
import type { XmlElement } from '../../src/xmpp/stanza/element.ts'
import { parseXml } from '../../src/xmpp/stanza/parse.ts'
import { serialise } from '../../src/xmpp/stanza/serialise.ts'
import { presence } from '../../src/xmpp/stanza/stanza.ts'
import { parseStanzaError, XmppError } from '../../src/xmpp/stanza/xmpp-error.ts'
import { watchedSuite } from './trial-client.ts'

/** What the two processes say to each other. */
export interface Line {
  readonly kind: 'send' | 'request' | 'answer' | 'error' | 'stanza'
  readonly number: number
  readonly xml: string
}

const [folder, life, jid, roomJid] = process.argv.slice(2) as [string, string, string, string]
// synchronously: what was said reaches the parent even when the next instruction is the last one
const say = (line: string) => writeSync(1, `${line}\n`)
const pause = (milliseconds: number) => new Promise((go) => setTimeout(go, milliseconds))
const requests = new Map<number, { resolve(answer: XmlElement): void; reject(error: unknown): void }>()
const listeners = new Set<(stanza: XmlElement) => void>()
let numbers = 0

process.on('message', ({ kind, number, xml }: Line) => {
  const stanza = parseXml(xml, 'jabber:client')
  if (kind === 'stanza') for (const listener of listeners) listener(stanza)
  if (kind === 'answer') requests.get(number)?.resolve(stanza)
  if (kind === 'error') requests.get(number)?.reject(new XmppError(parseStanzaError(stanza)))
})

const tell = (line: Line) => process.connected && process.send?.(line, undefined, {}, () => undefined)
const port: XmppPort = {
  jid,
  async send(stanza) {
    tell({ kind: 'send', number: 0, xml: serialise(stanza) })
  },
  request(iq) {
    const number = ++numbers
    return new Promise((resolve, reject) => {
      requests.set(number, { resolve, reject })
      tell({ kind: 'request', number, xml: serialise(iq) })
    })
  },
  onStanza(listener) {
    listeners.add(listener)
    return () => listeners.delete(listener)
  },
}

try {
  const storage = await openLmdbStorage({ path: folder, randomBytes, busyTimeout: 10_000 })
  const settings = { keyPackages: 2, settleMs: 100, slotMs: 100 }
  const client = await MlsClient.open({ xmpp: port, storage, suite: await watchedSuite({ say }), settings })
  await port.send(presence({}))
  if (life === 'first') {
    say('ready')
    for (let left = 400; left > 0 && client.invitations.length === 0; left--) await pause(25)
  }
  const room = await client.room(roomJid)
  const active = async () => {
    for (let left = 400; left > 0 && room.health.state !== 'active'; left--) await pause(25)
    if (room.health.state !== 'active') throw new Error(`the room is ${room.health.state}`)
  }
  await active()
  say('open')
  const send = async (id: string) => {
    await room.send(id)
    say(`ack ${id}`)
  }
  if (life === 'settle') {
    await send('the-last-one')
    for (let left = 400; left > 0 && !room.idle; left--) await pause(25)
    await active()
    say(`state ${room.safetyNumber}`)
    await client.close()
    process.exit()
  }
  for (let i = 0; ; i++) {
    if (i % 5 === 4) await room.update()
    else await send(`${life}-${i}`)
  }
} catch (error) {
  say(`end ${String((error as { code?: unknown }).code ?? error)}`)
  process.exit()
}
