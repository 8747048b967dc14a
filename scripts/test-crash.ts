/**
 * `npm run test:crash [-- KILLS [TRIALS [TAKE-OVERS [STRIDE [BINDING]]]]]`: groups that crash.
 *
 * 1. A client on a simulated disk: every operation of the disk fails once, in four ways; what an observer outside sees is
 *    checked against the invariants I1 to I8 of the storage design.
 * 2. A client on LMDB: killed at random moments (SIGKILL), 300 times by default.
 * 3. Two clients on one store: the first is stopped, the second takes over, the first goes on.
 * 4. Old copies of a store put back: 200 by default.
 * 5. A whole client of the XMPP binding on LMDB, killed while the embedded service runs on: BINDING times, 300 by default.
 *
 * STRIDE: only every so many-th crash point, for a quick look; 1 by default.
 */

import { suiteParameters } from '../src/crypto/suites.ts'
import { cipherSuite } from '../src/index.ts'
import { defaultProvider } from '../src/providers/default.ts'
import { diskFaults } from '../src/testing/storage/simulated-disk.ts'
import { bindingTrials } from '../test/group-store/binding-trials.ts'
import { runScenario } from '../test/group-store/crash-scenario.ts'
import { killTrials, takeOverTrials } from '../test/group-store/kill-trials.ts'
import { restoreTrial } from '../test/group-store/restore-trials.ts'

const [kills = 300, trials = 200, takeOvers = 10, stride = 1, binding = 300] = process.argv.slice(2).map(Number)
const provider = await defaultProvider(suiteParameters(1))
let passed = 0
let failed = 0

function report(name: string, violations: readonly string[]): void {
  if (violations.length === 0) passed++
  else {
    failed++
    for (const violation of violations.slice(0, 5)) console.error(`${name}: ${violation}`)
  }
}

const seconds = (begin: number) => `${((performance.now() - begin) / 1000).toFixed(0)} s`

async function simulated(): Promise<void> {
  const begin = performance.now()
  const open = (rng: Parameters<typeof provider.open>[1]) => provider.open(suiteParameters(1), rng)
  const reference = await runScenario(open)
  report('without a crash', reference.violations)
  report('the scenario', reference.batches >= 60 && reference.sends >= 20 ? [] : ['too short'])
  console.log(
    `scenario: ${reference.batches} batches, ${reference.operations} operations of the disk, ${reference.sends} sends, ${reference.seals} encryptions`,
  )
  let crashes = 0
  for (const fault of diskFaults) {
    let points = 0
    for (let at = 1; at <= reference.operations; at += stride) {
      points++
      const name = `${fault} at ${at}`
      try {
        const outcome = await runScenario(open, { fault, at }, reference.contents)
        if (outcome.crashed) crashes++
        report(name, outcome.crashed ? outcome.violations : [...outcome.violations, 'the fault did not happen'])
      } catch (error) {
        report(name, [String(error)])
      }
    }
    console.log(`${fault}: ${points} crash points of ${reference.operations}`)
  }
  console.log(`${crashes} crashes on the simulated disk, ${seconds(begin)}`)
}

async function restored(): Promise<void> {
  const begin = performance.now()
  const suite = await cipherSuite(1)
  const reasons = new Map<string, number>()
  for (let trial = 0; trial < trials; trial++) {
    const { violations, reason } = await restoreTrial(suite, trial, trial % 2 === 0)
    report(`restored copy ${trial}`, violations)
    reasons.set(reason ?? 'none', (reasons.get(reason ?? 'none') ?? 0) + 1)
  }
  const list = [...reasons].map(([reason, count]) => `${reason} ${count}`).join(', ')
  console.log(`${trials} restored copies (noticed by: ${list}), ${seconds(begin)}`)
}

await simulated()
await restored()
if (kills > 0) {
  const begin = performance.now()
  const result = await killTrials(kills)
  for (const violations of result.rounds) report('kill', violations)
  console.log(
    `${kills} kills, ${result.acknowledged} messages acknowledged, ${result.seals} encryptions, ${seconds(begin)}`,
  )
}
if (takeOvers > 0) {
  const rounds = await takeOverTrials(takeOvers)
  for (const violations of rounds) report('take-over', violations)
  console.log(`${takeOvers} take-overs`)
}
if (binding > 0) {
  const begin = performance.now()
  const result = await bindingTrials(binding)
  for (const violations of result.rounds) report('kill of a client', violations)
  console.log(
    `${binding} kills of a client beside the service, ${result.acknowledged} messages acknowledged, ${result.seals} encryptions, ${seconds(begin)}`,
  )
}
console.log(`${passed} passed, ${failed} failed`)
// the service's clock and the client in this process hold no work any more
process.exit(failed === 0 ? 0 : 1)
