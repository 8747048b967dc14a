import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { withExample } from '../../scripts/readme.ts'
import { suites } from '../../src/index.ts'

const root = join(import.meta.dirname, '../..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

describe('README', () => {
  test('shows the first example as it is', () => {
    expect(withExample(readme)).toBe(readme)
    expect(readme).toContain('await cipherSuite(')
  })

  test('names every suite of the registry', () => {
    for (const { id, name } of suites) expect(readme).toContain(`| ${id} | \`${name}\` |`)
  })

  test('links to files that exist, and names scripts of package.json', () => {
    for (const [, target] of readme.matchAll(/\]\(([^)#]+)\)/g))
      expect(existsSync(join(root, target!)), target).toBe(true)
    const { scripts } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
      scripts: Record<string, string>
    }
    for (const [, script] of readme.matchAll(/npm run ([a-z:]+)/g)) expect(scripts, script).toHaveProperty([script!])
  })
})
