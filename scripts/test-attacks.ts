/**
 * `npm run test:attacks`: the attacks that the design must stop. Each one is played against the code as it is, which must
 * stop it, and against builds that lack the check, where it must succeed: otherwise the test would prove nothing.
 *
 *   npm run test:attacks                 all
 *   npm run test:attacks -- 3 7b         some
 *   npm run test:attacks -- --json       one JSON object for each line
 */
import { parseArgs } from 'node:util'
import { runAttacks } from '../test/attacks/run.ts'
import { ensureWasm } from './build-wasm.ts'

const { values, positionals } = parseArgs({ allowPositionals: true, options: { json: { type: 'boolean' } } })
await ensureWasm()
let [passed, failed] = [0, 0]
for await (const result of runAttacks(positionals)) {
  if (result.passed) passed++
  else failed++
  if (values.json) console.log(JSON.stringify(result))
  else {
    console.log(`${result.passed ? 'ok  ' : 'FAIL'} ${result.id.padEnd(3)} ${result.name}`)
    console.log(`         stopped by ${result.healthy}`)
    for (const { check, outcome } of result.broken) console.log(`         without ${check}: ${outcome}`)
    if (result.broken.length === 0) console.log('         NO BUILD without the check')
  }
}
if (!values.json) console.log(`${passed} passed, ${failed} failed`)
// an attack that failed half-way may have left timers
process.exit(failed === 0 && passed > 0 ? 0 : 1)
