import { env } from 'node:process'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cipherSuite } from '../../src/index.ts'
import { actions, type Step, Walk } from './walk.ts'

const { WALKS = '8', WALK_STEPS = '24', WALK_SEED } = env

const number = fc.nat(1000)
const step: fc.Arbitrary<Step> = fc.record({
  // more of what makes groups grow and of what has most ways to go
  action: fc.oneof(
    { weight: 3, arbitrary: fc.constant('add' as const) },
    { weight: 10, arbitrary: fc.constantFrom(...actions) },
  ),
  pick: number,
  more: fc.array(number, { maxLength: 5 }),
})
const length = Number(WALK_STEPS)

test(`${WALKS} walks of ${WALK_STEPS} steps: all members have the tree of the array form, and one epoch`, async () => {
  const suite = await cipherSuite(1)
  const taken = new Map<string, number>()
  let [epochs, largest] = [0, 0]
  const steps = fc.array(step, { minLength: length, maxLength: length })
  const property = fc.asyncProperty(steps, async (list) => {
    const walk = await Walk.begin(suite)
    for (const one of list) {
      await walk.step(one)
      largest = Math.max(largest, walk.size)
    }
    await walk.end()
    epochs += walk.epochs
    for (const [action, count] of walk.taken) taken.set(action, (taken.get(action) ?? 0) + count)
  })
  await fc.assert(property, {
    numRuns: Number(WALKS),
    ...(WALK_SEED === undefined ? {} : { seed: Number(WALK_SEED) }),
    endOnFailure: true,
  })
  const counts = [...taken].map(([action, count]) => `${action} ${count}`).join(', ')
  console.log(`${epochs} epochs, up to ${largest} members: ${counts}`)
  expect(epochs).toBeGreaterThan(Number(WALKS))
})
