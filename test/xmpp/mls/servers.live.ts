import { describe, expect, test } from 'vitest'
import { type Audience, play } from '../../../scripts/demo-scenario.ts'
import { openStage, type StageChoice } from '../../../scripts/demo-stage.ts'
import { restoreRoomGroup } from '../../../src/xmpp/mls/engine/groups.ts'
import type { EngineContext } from '../../../src/xmpp/mls/engine/state.ts'
import { mlsElementIn } from '../../../src/xmpp/mls/items.ts'
import { systemRandom, systemTimers } from '../../../src/xmpp/mls/open-device.ts'
import { parseEncrypted } from '../../../src/xmpp/mls/wire/encrypted.ts'
import { parseHandshake } from '../../../src/xmpp/mls/wire/handshake.ts'
import type { Payload } from '../../../src/xmpp/mls/wire/payload.ts'
import { openRoom } from '../../../src/xmpp/open-room.ts'
import { element } from '../../../src/xmpp/stanza/element.ts'

const silent: Audience = {
  scene: () => undefined,
  people: () => undefined,
  server: () => undefined,
  wide: () => undefined,
}

const bytesOf = (payload: Payload | undefined) => (payload?.kind === 'inline' ? payload.bytes : undefined)

describe.each<[string, StageChoice]>([
  ['Prosody, MUC', { server: 'prosody', room: 'muc' }],
  ['ejabberd, MUC', { server: 'ejabberd', room: 'muc' }],
  ['ejabberd, MIX', { server: 'ejabberd', room: 'mix' }],
])('%s', (_name, choice) => {
  test('the story of the demo; the server stores nothing readable; who was removed cannot read', async () => {
    const stage = await openStage(choice)
    try {
      // what the removed device holds: its whole state just before it was removed
      let state: { context: EngineContext; snapshot: Uint8Array; last: string | undefined } | undefined
      const tried = { messages: 0, read: 0, commits: 0, followed: 0 }
      const outcome = await play(stage, silent, {
        hooks: {
          beforeRemoval: async ({ all }) => {
            const { session } = all.find(({ name }) => name.startsWith('carol'))!.room
            const snapshot = session.state.group!.snapshot()
            state = { context: session.ports.engine, snapshot, last: session.state.cursor }
            // the copy is good: with it, what was said before can be followed
            const copy = restoreRoomGroup(state.context, snapshot.slice())
            expect(copy.epoch).toBe(session.state.group!.epoch)
            copy.close()
          },
          atEnd: async ({ all }) => {
            const { room } = all[0]!.room.session.ports
            const removed = state!
            // one that follows the commits it is shown, and one that pretends not to have seen its removal
            const group = restoreRoomGroup(removed.context, removed.snapshot.slice())
            const stubborn = restoreRoomGroup(removed.context, removed.snapshot.slice())
            let after = removed.last
            for (;;) {
              const page = await room.page({ max: 100, ...(after === undefined ? {} : { after }) })
              for (const entry of page.entries) {
                const source = mlsElementIn(entry.element)
                const message = bytesOf(parseEncrypted(source)?.payload)
                const commit = bytesOf(parseHandshake(source)?.payload)
                const given = message ?? commit
                if (given === undefined) continue
                const result = await group.receive(given).catch(() => undefined)
                if (message !== undefined) {
                  tried.messages++
                  if (result?.kind === 'message') tried.read++
                  const second = await stubborn.receive(given).catch(() => undefined)
                  if (second?.kind === 'message') tried.read++
                } else {
                  tried.commits++
                  if (result?.kind === 'commit') tried.followed++
                }
              }
              const last = page.entries.at(-1)
              if (page.complete || last === undefined) break
              after = last.archiveId
            }
          },
        },
      })
      expect(outcome).toMatchObject({
        ...{ agree: true, verified: true, repaired: true },
        ...{ readable: [], unsealed: [], leaked: 0 },
      })
      expect(outcome.texts.length).toBeGreaterThan(5)
      expect(outcome.searched.bytes).toBeGreaterThan(20_000)
      expect(tried.messages).toBeGreaterThan(2)
      expect(tried.commits).toBeGreaterThan(1)
      expect(tried.read).toBe(0)
    } finally {
      await stage.close()
    }
  })

  test('the search of what the server stores finds what is sent openly', async () => {
    const stage = await openStage(choice)
    try {
      const { port, close } = await stage.connect('dora', 'phone')
      const room = await openRoom(stage.room('open'), { port, timers: systemTimers, random: systemRandom })
      await room.join({ create: true })
      await room.send([element('body', 'jabber:client', {}, 'everybody can read this')])
      room.close()
      await close()
      const stored = await stage.stored()
      expect(stored.some((file) => file.includes('everybody can read this'))).toBe(true)
    } finally {
      await stage.close()
    }
  })
})
