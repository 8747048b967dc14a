/** Devices that publish at the same moment, and stop half-way: nothing is lost, the chain has no gap. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crossStatementKinds, xidStatement } from '../../../src/identity/cross-statement.ts'
import { omemoStatement, openPgpStatement } from '../../../src/identity.ts'
import { linked, type Phone, Town } from './town.ts'
import { walkedLog } from './walked-log.ts'

const account = 'alice@a.test'

async function household(seed: string, names: readonly string[]) {
  const town = new Town(seed)
  const first = await town.phone(`${account}/0`)
  await first.identity.create()
  const devices: Phone[] = [first]
  for (const name of names) devices.push(await linked(town, first, `${account}/${name}`, { steward: true }))
  await town.wait(25 * 3_600_000)
  for (const one of devices) await one.identity.audit()
  for (const one of devices) await one.identity.audit()
  expect(devices.every(({ identity }) => identity.status.steward)).toBe(true)
  return { town, devices }
}

const keyOf = (number: number) => omemoStatement(number, new Uint8Array(32).fill(number))

describe('devices that publish at once', () => {
  test('any interleaving of two or three, with delays and a contact who looks in between', async () => {
    const { town, devices } = await household('interleavings', ['1', '2'])
    const bob = await town.phone('bob@a.test/phone')
    await bob.identity.contact(account)
    let round = 0
    const plan = fc.record({
      delays: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 3, maxLength: 3 }),
      latency: fc.integer({ min: 0, max: 30 }),
      looks: fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 3 }),
      all: fc.boolean(),
    })
    await fc.assert(
      fc.asyncProperty(plan, async ({ delays, latency, looks, all }) => {
        town.service.faults = { ...town.service.faults, delay: [0, latency], applies: () => true }
        const number = ++round
        // what each one says is its own kind of change
        const changes = [
          (one: Phone) => one.identity.vouch(keyOf(number)),
          (one: Phone) => one.identity.vouch(openPgpStatement(new Uint8Array(20).fill(number))),
          (one: Phone) => one.identity.vouch(xidStatement(new Uint8Array(32).fill(number))),
        ].slice(0, all ? 3 : 2)
        const work = changes.map(async (change, i) => {
          await town.wait(delays[i]!)
          await change(devices[i]!)
        })
        const watch = looks.map(async (ms) => {
          await town.wait(ms)
          await bob.identity.refresh(account)
        })
        await Promise.all([...work, ...watch])
        town.service.faults = { ...town.service.faults, delay: [0, 0] }
        await town.wait(2_000)
        for (const one of devices) await one.identity.audit()
        const current = await walkedLog(devices[0]!.port, account)
        const values = current.others.map(({ value }) => value.at(-1))
        expect(values.filter((value) => value === number)).toHaveLength(all ? 3 : 2)
        for (const one of devices) expect(one.identity.status.seq).toBe(current.seq)
        await bob.identity.refresh(account)
        expect((await bob.identity.contact(account)).state).toBe('TOFU')
        expect(devices.flatMap(({ alarms }) => alarms)).toEqual([])
      }),
      { numRuns: 16 },
    )
    town.stop()
  }, 60_000)

  test('one that stops at any point of publishing goes on where it was', async () => {
    for (let step = 0; step < 12; step++) {
      const { town, devices } = await household(`crash ${step}`, ['1'])
      const [a, b] = devices as [Phone, Phone]
      // the stream of the first breaks after so many requests, whatever they were
      let left = step
      const stop = town.service.intercept((stanza, to) => {
        if (to === a.port.jid && stanza.name === 'iq' && left-- <= 0) return undefined
        return stanza
      })
      const cut = a.identity.vouch(keyOf(1)).catch(() => 'cut')
      await b.identity.vouch(openPgpStatement(new Uint8Array(20).fill(2)))
      await Promise.race([cut, town.wait(1_000)])
      await a.close()
      stop()
      const again = await town.phone(a.jid, { medium: a.medium })
      await again.identity.audit()
      await b.identity.audit()
      const current = await walkedLog(b.port, account)
      expect(current.others.map(({ kind }) => kind)).toContain(crossStatementKinds.openpgp)
      expect(again.identity.status.seq).toBe(current.seq)
      expect([...a.alarms, ...again.alarms, ...b.alarms]).toEqual([])
      town.stop()
    }
  }, 60_000)
})
