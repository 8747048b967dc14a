/**
 * `npm test`: vitest's own report, then one line `N passed, N failed`. Arguments are passed on to vitest, for example a file.
 * Skipped tests count as failures: a test that does not run proves nothing.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'

interface Report {
  readonly numPassedTests: number
  readonly numFailedTests: number
  readonly numTotalTests: number
  readonly success: boolean
}

const folder = mkdtempSync(join(tmpdir(), 'xmpp-mls-test-'))
const outcome = join(folder, 'outcome.json')
const vitest = join(dirname(createRequire(import.meta.url).resolve('vitest/package.json')), 'vitest.mjs')
const child = spawn(
  process.execPath,
  [vitest, 'run', '--reporter=default', '--reporter=json', `--outputFile.json=${outcome}`, ...process.argv.slice(2)],
  { stdio: 'inherit' },
)
child.on('exit', (code) => {
  let line = '0 passed, 1 failed'
  let failed = 1
  try {
    const report = JSON.parse(readFileSync(outcome, 'utf8')) as Report
    failed = report.numTotalTests - report.numPassedTests
    if (!report.success && failed === 0) failed = 1
    line = `${report.numPassedTests} passed, ${failed} failed`
  } catch {
    // no report: the run itself failed
  }
  rmSync(folder, { recursive: true, force: true })
  console.log(line)
  process.exitCode = failed === 0 && code === 0 ? 0 : 1
})
