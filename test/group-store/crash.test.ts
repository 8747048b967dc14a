import { describe, expect, test } from 'vitest'
import { MlsError } from '../../src/bytes/errors.ts'
import { suiteParameters } from '../../src/crypto/suites.ts'
import { defaultProvider } from '../../src/providers/default.ts'
import { diskFaults } from '../../src/testing/storage/simulated-disk.ts'
import { SealLog, seededRng } from './crash-oracle.ts'
import { runScenario } from './crash-scenario.ts'
import { bytesOf, codeOf, Device, digest, makeGroup, Room } from './support.ts'

const provider = await defaultProvider(suiteParameters(1))
const open = (rng: ReturnType<typeof seededRng>) => provider.open(suiteParameters(1), rng)

describe('crashes (all points: npm run test:crash)', () => {
  test('the scenario is long enough, repeatable, and right without a crash', async () => {
    const outcome = await runScenario(open)
    expect(outcome.violations).toEqual([])
    expect(outcome.batches).toBeGreaterThanOrEqual(60)
    expect(outcome.sends).toBeGreaterThanOrEqual(20)
    for (const [i, fault] of diskFaults.entries()) {
      const at = 40 + 23 * i
      const crashed = await runScenario(open, { fault, at }, outcome.contents)
      expect([crashed.crashed, crashed.violations]).toEqual([true, []])
    }
  }, 60_000)

  test('the log of encryptions sees one key with two plaintexts', () => {
    const log = new SealLog()
    const suite = log.watch(open(seededRng('x')))
    const [key, nonce] = [new Uint8Array(16), new Uint8Array(12)]
    suite.seal(key, nonce, new Uint8Array(0), bytesOf('one'))
    suite.seal(key, nonce, new Uint8Array(0), bytesOf('one'))
    expect(log.violations).toEqual([])
    suite.seal(key, Uint8Array.of(...nonce.subarray(1), 1), new Uint8Array(0), bytesOf('two'))
    expect(log.violations).toEqual(['I1: one key, two plaintexts'])
  })
})

describe('memory follows disk', () => {
  test('after a write that failed the group is as it was, and the next call works', async () => {
    const device = new Device('alice')
    const storage = await device.storage()
    let failing = false
    const store = await device.open({
      storage: new Proxy(storage, {
        get: (target, name) => {
          if (name === 'apply' && failing)
            return async () => {
              throw new MlsError('storage/full', 'no room')
            }
          const value = Reflect.get(target, name, target) as unknown
          return typeof value === 'function' ? value.bind(target) : value
        },
      }),
    })
    const id = await makeGroup(new Room(), { device, store })
    const group = await store.open(id)
    await group.send(bytesOf('one'))
    const before = await digest(store, id)
    failing = true
    expect(await codeOf(group.send(bytesOf('two')))).toBe('storage/full')
    expect(await codeOf(group.commit())).toBe('storage/full')
    failing = false
    expect(await digest(store, id)).toBe(before)
    expect(store.outbox().map(({ kind }) => kind)).toEqual(['application'])
    await group.send(bytesOf('three'))
    expect(await group.read((one) => one.nextGeneration)).toBeGreaterThan(1)
  })
})
