/** Issues of rooms that are kept from commit to commit are those that a look at the whole group finds. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { MlsRoom } from '../../../src/xmpp/index.ts'
import { restoreRoomGroup } from '../../../src/xmpp/mls/engine/groups.ts'
import { roomJid } from '../mls/world.ts'
import { linked, type Phone, Town } from './town.ts'

const acts = ['message', 'update', 'link', 'lose', 'out', 'in', 'rotate', 'look', 'wait'] as const

test('whatever happens to people and groups', async () => {
  const seen = new Set<string>()
  await fc.assert(
    fc.asyncProperty(fc.shuffledSubarray([...acts, ...acts], { minLength: 12 }), fc.nat(), async (walk, n) => {
      const town = new Town(`issues ${n} ${walk.join()}`)
      const [alice, bob] = [await town.phone('alice@a.test/1'), await town.phone('bob@a.test/1')]
      await alice.identity.create()
      const { recoveryCode } = await bob.identity.create()
      await bob.identity.codeSaved()
      const [mls, bobs] = [await alice.mls(), await bob.mls()]
      const carol = await town.phone('carol@a.test/1')
      await carol.identity.create()
      await carol.mls()
      const garden = await mls.room(roomJid)
      await garden.invite('bob@a.test')
      await town.until('the invitation', () => bobs.invitations.length === 1)
      const atBob = await bobs.room(roomJid)
      const views: [MlsRoom, Phone][] = [
        [garden, alice],
        [atBob, bob],
      ]
      const compare = (): void => {
        for (const [room, { identity }] of views) {
          const { group } = room.session.state
          if (group === undefined) continue
          const kept = identity.rooms.issues!(group)
          const copy = restoreRoomGroup(room.session.ports.engine, group.snapshot())
          expect(kept).toEqual(identity.rooms.issues!(copy))
          expect(identity.rooms.issues!(group)).toBe(kept)
          copy.close()
          for (const { fact } of kept) seen.add(fact)
        }
      }
      let devices = 1
      const act: Record<(typeof acts)[number], () => unknown> = {
        message: () => garden.send('hello'),
        update: () => atBob.update(),
        async link() {
          const other = await linked(town, bob, `bob@a.test/${++devices}`)
          await other.mls()
          await atBob.invite('bob@a.test')
        },
        async lose() {
          const other = bob.identity.status.devices.find(({ device }) => device !== bobs.device)
          if (other !== undefined) await bob.identity.removeDevice(other.device, { reason: 'lost' })
        },
        out: () => garden.remove('carol@a.test'),
        in: () => garden.invite('carol@a.test'),
        rotate: () => bob.identity.rotate(recoveryCode),
        look: () => alice.identity.refresh('bob@a.test'),
        wait: () => town.wait(20_000),
      }
      for (const what of walk) {
        let done = false
        void Promise.resolve(act[what]())
          .catch(() => undefined)
          .finally(() => {
            done = true
          })
        for (let i = 0; i < 300 && !done; i++) {
          compare()
          await town.wait(i < 100 ? 20 : 200)
        }
        compare()
      }
      town.stop()
    }),
    { numRuns: 2, seed: 20_261_123 },
  )
  expect([...seen].sort()).toEqual(expect.arrayContaining(['old_root', 'pin_mismatch', 'unknown']))
}, 120_000)
