import { describe, expect, test } from 'vitest'
import { suites } from '../../src/crypto/suites.ts'
import { wasmProvider } from '../../src/providers/wasm/provider.ts'
import { vectorEngine } from '../../vectors/engine.ts'
import { families } from '../../vectors/families.ts'
import { Fields } from '../../vectors/fields.ts'
import { generateCases, generatedFamilies } from '../../vectors/generators.ts'
import { tsMlsChecks } from './ts-mls-checks.ts'

const engine = vectorEngine(wasmProvider)
/** Families that take long: with two suites here, with all of them by `npm run vectors -- --generate`. */
const slow = new Set([
  'passive-client-handling-commit',
  'passive-client-random',
  'passive-client-welcome',
  'tree-validation',
  'treekem',
])

describe('vectors that we generate', () => {
  test('every official family is generated, and checked by ts-mls', () => {
    expect([...generatedFamilies]).toEqual([...families.keys()].sort())
    expect([...tsMlsChecks.keys()].sort()).toEqual([...families.keys()].sort())
  })

  test.each(generatedFamilies)('%s holds by our families and by ts-mls', { timeout: 600_000 }, async (name) => {
    const ids = slow.has(name) ? [1, 2] : suites.map(({ id }) => id)
    const cases = (await generateCases(name, engine, ids)) ?? []
    const [ours, theirs] = [families.get(name), tsMlsChecks.get(name)]
    if (ours === undefined || theirs === undefined) throw new Error(`no family ${name}`)
    expect(cases.length).toBeGreaterThan(0)
    // as it is read from a file
    for (const value of JSON.parse(JSON.stringify(cases)) as unknown[]) {
      await ours(new Fields(value), engine)
      await theirs(new Fields(value))
    }
    const seen = new Set(cases.map((value) => (value as { cipher_suite?: number }).cipher_suite))
    if (!seen.has(undefined)) expect([...seen]).toEqual(ids)
  })

  test.each([
    ['psk_secret', 'psk_secret'],
    ['transcript-hashes', 'confirmation_key'],
    ['tree-operations', 'tree_hash_after'],
    ['secret-tree', 'encryption_secret'],
    ['message-protection', 'membership_key'],
  ])('%s with another %s does not hold by ts-mls', async (name, field) => {
    const [value] = (await generateCases(name, engine, [1])) ?? []
    const damaged = value as Record<string, string>
    damaged[field] = damaged[field]!.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))
    const check = tsMlsChecks.get(name)
    await expect((async () => check?.(new Fields(damaged)))()).rejects.toThrow()
  })
})
