/** The attacks of the design's list, each stopped here, and each successful on a build that lacks the check. */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { patched } from './builds.ts'
import { mutations } from './mutations.ts'
import { attacks } from './scenarios/index.ts'

const root = resolve(import.meta.dirname, '../..')

/** Attacks that are also played on a broken build here; `npm run test:attacks` plays all. */
const sample = ['1', '3', '8b', '13', '18', '23']

test('every attack of the list is there, each with a build that lacks the check', () => {
  const numbers = new Set(attacks.map(({ id }) => Number.parseInt(id, 10)))
  expect([...numbers].sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1))
  expect(new Set(attacks.map(({ id }) => id)).size).toBe(attacks.length)
  expect(new Set(mutations.map(({ attack }) => attack))).toEqual(new Set(attacks.map(({ id }) => id)))
})

test('what the broken builds replace is there, once', () => {
  for (const { patches } of mutations)
    for (const { file } of patches) {
      const source = readFileSync(join(root, file), 'utf8')
      const own = patches.filter((one) => one.file === file)
      expect(patched(file, source, own)).not.toBe(source)
    }
  expect(() => patched('a file', 'one two one', [{ file: 'a file', from: 'one', to: '1' }])).toThrow('2 times')
  expect(() => patched('a file', 'two', [{ file: 'a file', from: 'one', to: '1' }])).toThrow('0 times')
})

describe('stopped', () => {
  test.each(attacks.map((attack) => [attack.id, attack.name, attack] as const))('%s %s', async (_id, _name, attack) => {
    const outcome = await attack.run()
    expect(outcome.kind === 'stopped' ? outcome.by : outcome).toMatch(
      new RegExp(`^${attack.stoppedBy.replaceAll(/[.*+?^${'$'}{}()|[\]\\]/g, '\\$&')}`),
    )
  })
})

test(`they succeed on builds that lack the check: ${sample.join(', ')}`, () => {
  const script = join(root, 'scripts/test-attacks.ts')
  const { stdout } = spawnSync(process.execPath, ['--import', 'tsx', script, '--json', ...sample], {
    cwd: root,
    encoding: 'utf8',
    timeout: 110_000,
  })
  const results = stdout
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as { id: string; passed: boolean })
  expect(results.map(({ id, passed }) => [id, passed])).toEqual(sample.map((id) => [id, true]))
})
