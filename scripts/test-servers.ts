// `npm run test:servers`: the suites that need real servers, test/**/*.live.ts, one file after the other. Arguments filter by
// file name. Ends with `N passed, N failed`.
import { startVitest } from 'vitest/node'

const runner = await startVitest('test', process.argv.slice(2), {
  root: process.cwd(),
  watch: false,
  include: ['test/**/*.live.ts'],
  fileParallelism: false,
  // servers and sockets of a busy machine: a test that fails once is tried once more, and counts when it holds then
  retry: 1,
  testTimeout: 60_000,
  hookTimeout: 60_000,
})
const modules = runner.state.getTestModules()
const tests = modules.flatMap((module) => [...module.children.allTests()])
const passed = tests.filter((test) => test.result().state === 'passed').length
const broken = modules.filter((module) => module.errors().length > 0).length
const failed = tests.length - passed + broken
await runner.close()
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 && passed > 0 ? 0 : 1
