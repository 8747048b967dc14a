// Runs the suites that need real servers: test/**/*.live.ts, one file after the other. Arguments filter by file name.
import { startVitest } from 'vitest/node'

const runner = await startVitest('test', process.argv.slice(2), {
  root: process.cwd(),
  watch: false,
  include: ['test/**/*.live.ts'],
  fileParallelism: false,
  testTimeout: 60_000,
  hookTimeout: 60_000,
})
await runner.close()
