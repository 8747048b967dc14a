/**
 * `npm run test:differential`: the WASM and Node providers against noble on the same inputs, at least 100,000 cases for each.
 * `--cases N` changes that, `--provider wasm|node` chooses one, `--seed N` repeats a run.
 */
import { argv, stdout } from 'node:process'
import { parseArgs } from 'node:util'
import { nobleProvider } from '../src/providers/noble/provider.ts'
import { nodeProvider } from '../src/providers/node/provider.ts'
import { wasmProvider } from '../src/providers/wasm/provider.ts'
import { differential, differentialMethods } from '../test/providers/conformance/differential.ts'

const { values } = parseArgs({
  args: argv.slice(2),
  options: {
    cases: { type: 'string', default: '100000' },
    provider: { type: 'string' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
  },
})
const total = Number(values.cases)
const seed = Number(values.seed)
const shares = differentialMethods.reduce((sum, { share }) => sum + share, 0)
let [passed, failed] = [0, 0]

stdout.write(`seed ${seed}\n`)
for (const provider of [wasmProvider, nodeProvider]) {
  if (values.provider !== undefined && values.provider !== provider.name) continue
  const check = differential(nobleProvider, provider)
  let cases = 0
  for (const { name, share } of differentialMethods) {
    const runs = Math.ceil((share * total) / shares)
    const started = performance.now()
    try {
      await check(name, runs, seed)
      passed += runs
      cases += runs
      const seconds = ((performance.now() - started) / 1000).toFixed(1)
      stdout.write(
        `${provider.name.padEnd(5)} ${name.padEnd(26)} ${String(runs).padStart(6)} cases ${seconds.padStart(6)} s\n`,
      )
    } catch (error) {
      failed++
      stdout.write(`${provider.name} ${name}: ${explain(error)}\n`)
    }
  }
  stdout.write(`${provider.name}: ${cases} cases, ${provider.status}\n`)
}
stdout.write(`${passed} passed, ${failed} failed\n`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1

function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause === undefined ? error.message : `${error.message}\n${explain(error.cause)}`
}
