import { type ServiceOptions, type Session, XmppService } from '../../src/testing/xmpp/index.ts'
import { openRoom } from '../../src/xmpp/open-room.ts'
import type { XmppContext } from '../../src/xmpp/port.ts'
import type { Room } from '../../src/xmpp/room.ts'
import { presence } from '../../src/xmpp/stanza/stanza.ts'

export const make = (options: Partial<ServiceOptions> = {}): XmppService =>
  new XmppService({ seed: 1, sites: { 'a.test': 'ejabberd', 'b.test': 'prosody' }, ...options })

export const contextOf = (service: XmppService, port: Session): XmppContext => ({
  port,
  timers: service.clock,
  random: service.random,
})

/** Runs the network while something is awaited. */
export async function run<T>(service: XmppService, work: Promise<T>): Promise<T> {
  let open = true
  const done = work.finally(() => {
    open = false
  })
  done.catch(() => undefined)
  while (open) await service.clock.advance(10)
  return await done
}

export async function seat(service: XmppService, jid: string, roomJid: string, owner?: Room) {
  const port = service.connect(jid)
  await port.send(presence({}))
  const room = await run(service, openRoom(roomJid, contextOf(service, port)))
  if (owner !== undefined && owner.kind === 'muc') await run(service, owner.affiliate(jid, 'member'))
  await run(service, room.join({ create: owner === undefined }))
  return { port, room }
}
