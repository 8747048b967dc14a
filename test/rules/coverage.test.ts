/** Ids, never paths: `spec-notes/rules.md`, the code and the titles of tests agree on the numbered rules. */
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesOf(path) : path.endsWith('.ts') ? [readFileSync(path, 'utf8')] : []
  })
}

interface Row {
  readonly id: string
  readonly status: string
}

const notes = readFileSync(join(root, 'spec-notes/rules.md'), 'utf8')
const rows = [...notes.matchAll(/^\| ([VR]\d+) \|(.*)\|$/gm)].map(([, id, rest]): Row => {
  const cells = rest!.split('|').map((cell) => cell.trim())
  return { id: id!, status: cells[3]! }
})
const defined = new Set(rows.map(({ id }) => id))

/** `V143-V152` names all between. */
function idsIn(text: string): string[] {
  const single = [...text.matchAll(/(?<![\w/])([VR])(\d{2,3})(?!\w)/g)].map(([id]) => id)
  const ranges = [...text.matchAll(/(?<!\w)([VR])(\d{2,3})-\1?(\d{2,3})(?!\w)/g)].flatMap(([, kind, from, to]) =>
    Array.from(
      { length: Number(to) - Number(from) + 1 },
      (_, i) => `${kind}${String(Number(from) + i).padStart(from!.length, '0')}`,
    ),
  )
  return [...single, ...ranges].filter((id) => /^(V\d{3}|R\d{2})$/.test(id))
}

const code = new Set(filesOf(join(root, 'src')).flatMap(idsIn))
/** The ids that begin a title, as `V123 two members with one signature key` or `V123, R04: …`. */
const titles = new Set(
  filesOf(join(root, 'test')).flatMap((text) =>
    [...text.matchAll(/['"`]((?:(?:V\d{3}|R\d{2})(?:-V\d{3})?[ ,:]+)+)(?=[^\s'"`])/g)].flatMap(([, ids]) =>
      idsIn(ids!),
    ),
  ),
)
const withStatus = (...statuses: string[]) => rows.filter(({ status }) => statuses.includes(status.split(':')[0]!))

describe('the list', () => {
  test('every id once: V001-V343, R01-R30', () => {
    const expected = [
      ...Array.from({ length: 343 }, (_, i) => `V${String(i + 1).padStart(3, '0')}`),
      ...Array.from({ length: 30 }, (_, i) => `R${String(i + 1).padStart(2, '0')}`),
    ]
    expect(rows.map(({ id }) => id)).toEqual(expected)
  })
  test('every status is one that is explained', () => {
    const known = withStatus('enforced', 'must-accept', 'harness', 'unreachable', 'open', 'not here')
    expect(rows.filter((row) => !known.includes(row))).toEqual([])
  })
})

test('ids in code and titles that no note defines', () => {
  expect([...code, ...titles].filter((id) => !defined.has(id))).toEqual([])
})
test('enforced rules without code', () => {
  expect(
    withStatus('enforced', 'unreachable')
      .filter(({ id }) => !code.has(id))
      .map(({ id }) => id),
  ).toEqual([])
})
test('enforced and accepted rules without a test', () => {
  const rules = withStatus('enforced', 'must-accept', 'harness')
  expect(rules.filter(({ id }) => !titles.has(id)).map(({ id }) => id)).toEqual([])
})
