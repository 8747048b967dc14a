/** Ids, never paths: the list of identity rules, the code and the titles of tests agree. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

const root = resolve(import.meta.dirname, '../..')
const notes = readFileSync(join(root, 'spec-notes/xmpp/identity-rules.md'), 'utf8')
const rows = [...notes.matchAll(/^\| (I\d{3}) \|(.*)\|$/gm)].map(([, id, rest]) => {
  const cells = rest!.split('|').map((cell) => cell.trim())
  const list = (cell: string | undefined) => (cell ?? '').split(', ')
  return { id: id!, files: list(cells[2]), tests: list(cells[3]) }
})
const text = (path: string) => (existsSync(join(root, path)) ? readFileSync(join(root, path), 'utf8') : '')
/** Ids below I100; those of the ceremonies begin there. */
const idsOf = (source: string) => [...source.matchAll(/\bI0\d{2}\b/g)].map(([id]) => id)
const names = readdirSync(join(root, 'src/identity')).filter((name) => name.endsWith('.ts'))
/** Titles of tests and groups, with ranges left out: each rule is named by itself. */
const titles = (source: string) =>
  [...source.matchAll(/(?:test|describe)(?:\.each\([^)]*\))?\(\s*(['"`])(.*?)\1/gs)].map(([, , title]) => title!)

describe('the list', () => {
  test('every id once, in every table in order', () => {
    expect(rows.length).toBeGreaterThan(60)
    expect(new Set(rows.map(({ id }) => id)).size).toBe(rows.length)
  })
  test('the files that a rule names speak of it', () => {
    const silent = rows.flatMap(({ id, files }) =>
      files.filter((file) => !idsOf(text(`src/identity/${file}.ts`)).includes(id)).map((file) => `${id} ${file}`),
    )
    expect(silent).toEqual([])
  })
  test('the tests that a rule names have it in a title', () => {
    const silent = rows.flatMap(({ id, tests }) =>
      tests
        .filter((file) => !titles(text(`test/identity/${file}.test.ts`)).some((title) => idsOf(title).includes(id)))
        .map((file) => `${id} ${file}`),
    )
    expect(silent).toEqual([])
  })
})

test('ids in the code that the list does not define', () => {
  const known = new Set(rows.map(({ id }) => id))
  const unknown = names.flatMap((name) =>
    idsOf(text(`src/identity/${name}`))
      .filter((id) => !known.has(id))
      .map((id) => `${id} ${name}`),
  )
  expect(unknown).toEqual([])
})
