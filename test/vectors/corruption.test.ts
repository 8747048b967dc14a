import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { wasmProvider } from '../../src/providers/wasm/provider.ts'
import { caseDigest } from '../../vectors/digest.ts'
import { vectorEngine } from '../../vectors/engine.ts'
import { families } from '../../vectors/families.ts'
import { generateCases } from '../../vectors/generators.ts'
import { runFile } from '../../vectors/run.ts'

const engine = vectorEngine(wasmProvider)
const folder = mkdtempSync(join(tmpdir(), 'xmpp-mls-vectors-'))
const suites = [1, 3]

/** A field of each family whose digits all enter the computation, and where its text lies in a case. */
const damaged: readonly [family: string, path: readonly (string | number)[]][] = [
  ['crypto-basics', ['expand_with_label', 'context']],
  ['key-schedule', ['epochs', 3, 'commit_secret']],
  ['message-protection', ['commit_priv']],
  ['messages', ['mls_key_package']],
  ['passive-client-welcome', ['welcome']],
  ['psk_secret', ['psk_secret']],
  ['secret-tree', ['encryption_secret']],
  ['transcript-hashes', ['authenticated_content']],
  ['tree-operations', ['tree_after']],
  ['tree-validation', ['tree_hashes', 0]],
  ['treekem', ['update_paths', 0, 'commit_secret']],
  ['welcome', ['signer_pub']],
]

beforeAll(async () => {
  for (const name of ['deserialization', 'tree-math', 'psk_secret', 'welcome'])
    writeFileSync(join(folder, `${name}.json`), JSON.stringify(await generateCases(name, engine, suites)))
})
afterAll(() => {
  rmSync(folder, { recursive: true, force: true })
})

/** Changes the first hexadecimal digit of a text inside a case; in a struct, that is a type or a length. */
function damage(value: unknown, path: readonly (string | number)[]): void {
  let holder = value as Record<string | number, unknown>
  for (const name of path.slice(0, -1)) holder = holder[name] as Record<string | number, unknown>
  const last = path.at(-1) ?? ''
  const text = holder[last]
  if (typeof text !== 'string') throw new Error(`${last} is no text`)
  holder[last] = `${text[0] === '7' ? '8' : '7'}${text.slice(1)}`
}

/** Runs the script on a folder. */
function runScript(...args: readonly string[]) {
  const script = fileURLToPath(new URL('../../scripts/vectors.ts', import.meta.url))
  const result = spawnSync(process.execPath, ['--import', 'tsx', script, ...args], { encoding: 'utf8' })
  return { code: result.status, lines: result.stdout.trimEnd().split('\n') }
}

describe('a damaged file', () => {
  test.each(damaged)('%s: one digit is one failed case', { timeout: 300_000 }, async (name, path) => {
    const cases = await generateCases(name, engine, name === 'treekem' ? [1] : suites)
    const family = families.get(name)
    if (cases === undefined || family === undefined) throw new Error(`no family ${name}`)
    const kept = name === 'treekem' || name === 'tree-validation' ? cases.slice(0, 3) : cases
    const file = join(folder, 'one.json')
    damage(kept[1], path)
    writeFileSync(file, JSON.stringify(kept))
    const report = await runFile(name, file, family, engine)
    expect(report.failures.map(({ index }) => index)).toEqual([1])
    expect(report.passed).toBe(kept.length - 1)
  })

  test('a digit that enters no computation shows against the published digests', async () => {
    const cases = (await generateCases('secret-tree', engine, [1])) as { sender_data: { ciphertext: string } }[]
    const family = families.get('secret-tree')
    if (family === undefined) throw new Error('no family')
    const digests = cases.map(caseDigest)
    const file = join(folder, 'one.json')
    const [, second] = cases
    if (second === undefined) throw new Error('no case')
    // beyond the sample of Nh bytes
    second.sender_data.ciphertext = second.sender_data.ciphertext.replace(/.$/, (digit) => (digit === '0' ? '1' : '0'))
    writeFileSync(file, JSON.stringify(cases))
    expect((await runFile('secret-tree', file, family, engine)).failures).toEqual([])
    const claimed = { digests, claimed: true }
    const { failures, passed } = await runFile('secret-tree', file, family, engine, claimed)
    expect(failures.map(({ index, error }) => [index, error.message])).toEqual([[1, 'differs from the published case']])
    expect(passed).toBe(cases.length - 1)
    // also in a file that does not claim to be the published one, and is a copy of it
    const copy = { digests, claimed: false }
    expect((await runFile('secret-tree', file, family, engine, copy)).failures.map(({ index }) => index)).toEqual([1])
    const others = await generateCases('secret-tree', engine, [1])
    writeFileSync(file, JSON.stringify(others))
    expect((await runFile('secret-tree', file, family, engine, copy)).failures).toEqual([])
    // a case that is missing
    writeFileSync(file, JSON.stringify(cases.slice(0, 1)))
    expect((await runFile('secret-tree', file, family, engine, claimed)).failures.length).toBe(1)
  })
})

describe('npm run vectors -- --dir', () => {
  test('passes on a sound folder, also one that holds mlswg/', () => {
    expect(runScript('--dir', folder).code).toBe(0)
    const outer = join(folder, 'outer')
    mkdirSync(join(outer, 'mlswg'), { recursive: true })
    writeFileSync(join(outer, 'mlswg', 'tree-math.json'), JSON.stringify([{ n_leaves: 1 }]))
    const { code, lines } = runScript('--dir', outer)
    expect([code, lines.at(-1)]).toEqual([1, '0 passed, 1 failed'])
  })

  test('fails on one case, on a wrong digit and on a file that is no JSON, and runs all others', async () => {
    const wrong = join(folder, 'wrong')
    mkdirSync(wrong)
    const psks = (await generateCases('psk_secret', engine, [1])) as { psk_secret: string }[]
    damage(psks[4], ['psk_secret'])
    writeFileSync(join(wrong, 'psk_secret.json'), JSON.stringify(psks))
    const headers = (await generateCases('deserialization', engine)) as { vlbytes_header: string }[]
    writeFileSync(join(wrong, 'deserialization.json'), JSON.stringify(headers).replace('"00"', '"0g"'))
    writeFileSync(join(wrong, 'tree-math.json'), '[{"n_leaves": 1,')
    writeFileSync(join(wrong, 'notes.json'), '{}')
    const { code, lines } = runScript('--dir', wrong)
    const text = lines.join('\n')
    expect(code).toBe(1)
    expect(text).toContain('notes.json passed over: no such family')
    expect(text).toMatch(/psk_secret 10\/11 .*\n {2}case 4 \(suite 1\): psk_secret: expected /)
    expect(text).toMatch(/deserialization 13\/14 .*\n {2}case 0: vlbytes_header is not hexadecimal/)
    expect(text).toMatch(/tree-math 0\/1 .*\n {2}the file: not JSON: /)
    expect(lines.at(-1)).toBe('23 passed, 3 failed')
  })

  test('says what is missing', () => {
    expect(runScript('--dir', join(folder, 'nowhere')).code).toBe(1)
    const empty = join(folder, 'empty')
    mkdirSync(empty)
    expect(runScript('--dir', empty).code).toBe(1)
    expect(runScript('--provider', 'abacus').code).toBe(1)
    const script = fileURLToPath(new URL('../../scripts/vectors.ts', import.meta.url))
    const result = spawnSync(process.execPath, ['--import', 'tsx', script, '--family', 'welcome', 'treekem'], {
      encoding: 'utf8',
      env: { ...process.env, MLS_VECTORS_DIR: empty },
    })
    expect(result.stdout).toBe('treekem not found\nwelcome not found\n0 passed, 0 failed, 2 files not found\n')
    expect(result.status).toBe(1)
  })
})
