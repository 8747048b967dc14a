import { env } from 'node:process'
import { expect, test } from 'vitest'
import { equalBytes } from '../../src/bytes/bytes.ts'
import { toHex } from '../../src/index.ts'
import { fuzz, type Report, timeLimit } from './fuzzer.ts'
import { longest, mutateBytes, randomInput } from './mutator.ts'
import { Random } from './random.ts'

// not the speed of the machine is tested here, but that nothing runs away
const limit = 20 * timeLimit
const { FUZZ_RUNS = '20000', FUZZ_SEED = '9420' } = env

test(`${FUZZ_RUNS} bad inputs, seed ${FUZZ_SEED}: each is taken or refused with a type, and a refused one changes nothing`, async () => {
  const { runs, findings, targets } = await fuzz({ seed: Number(FUZZ_SEED), runs: Number(FUZZ_RUNS), limit })
  const [found] = findings
  const shown = found && `${found.target}, run ${found.run}: ${String(found.error)}; input ${toHex(found.input)}`
  expect(shown).toBe(undefined)
  expect(runs).toBe(Number(FUZZ_RUNS))
  for (const [name, { counts, longest: milliseconds }] of targets) {
    expect(counts.size, `outcomes of: ${name}`).toBeGreaterThan(0)
    expect(milliseconds, name).toBeLessThanOrEqual(limit)
  }
  // the inputs get far enough: every stage of work refuses some of them
  const seen = new Set([...targets.values()].flatMap(({ counts }) => [...counts.keys()]))
  const stages = ['codec/short', 'framing/group_id', 'framing/membership_tag', 'crypto/decrypt', 'crypto/signature']
  const rules = ['commit/confirmation_tag', 'tree/hash', 'tree/parent_hash', 'snapshot/damaged', 'leaf/capabilities']
  for (const outcome of [...stages, ...rules, 'message', 'proposal', 'commit', 'active', 'added'])
    expect([...seen], outcome).toContain(outcome)
})

test('the same seed gives the same runs', async () => {
  const outcomesOf = ({ targets }: Report): unknown => [...targets].map(([name, { counts }]) => [name, [...counts]])
  const [first, second] = [await fuzz({ seed: 5, runs: 300 }), await fuzz({ seed: 5, runs: 300 })]
  expect(outcomesOf(first)).toEqual(outcomesOf(second))
  const other = await fuzz({ seed: 6, runs: 300 })
  expect(outcomesOf(other)).not.toEqual(outcomesOf(first))
})

test('mutations change a copy, and do not grow beyond 64 KiB', () => {
  const random = new Random(1)
  const message = random.randomBytes(300)
  const before = message.slice()
  let same = 0
  for (let i = 0; i < 3000; i++) {
    const mutated = mutateBytes(random, message, [random.randomBytes(50)])
    expect(mutated.length).toBeLessThanOrEqual(longest)
    if (equalBytes(mutated, message)) same++
    expect(randomInput(random).length).toBeLessThanOrEqual(longest)
  }
  expect(equalBytes(message, before)).toBe(true)
  expect(same).toBeLessThan(150)
})
