import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { describe, expect, test } from 'vitest'

/** Arrows go down: a folder imports from folders with a smaller number and from itself. ARCHITECTURE.md shows the same table. */
const levels: Readonly<Record<string, number>> = {
  bytes: 0,
  codec: 1,
  'tree-math': 1,
  crypto: 2,
  wire: 2,
  signed: 3,
  ports: 3,
  'ratchet-tree': 4,
  'key-schedule': 4,
  'secret-tree': 4,
  framing: 5,
  proposals: 6,
  commit: 7,
  group: 8,
  authentication: 8,
  identity: 8,
  providers: 9,
  storage: 9,
  'group-store': 9.5,
  xmpp: 10,
  testing: 11,
  cli: 12,
}

const root = resolve(import.meta.dirname, '../../src')

interface Source {
  readonly path: string
  readonly text: string
  readonly imports: readonly string[]
}

function sources(folder: string): Source[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    if (!entry.name.endsWith('.ts')) return []
    const text = readFileSync(path, 'utf8')
    const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*['"](\.[^'"]+)['"]/g)].map(([, to]) =>
      resolve(dirname(path), to as string),
    )
    return [{ path, text, imports }]
  })
}

const folderOf = (path: string) => relative(root, path).split('/')[0] as string
const isEntry = (path: string) => !relative(root, path).includes('/') || /^(testing|cli)\//.test(relative(root, path))
const all = sources(root)

/** Imports that break the table, as `from -> to`. */
function upward(files: readonly Source[]): string[] {
  return files.flatMap(({ path, imports }) =>
    isEntry(path)
      ? []
      : imports
          .filter((to) => folderOf(to) !== folderOf(path))
          .filter((to) => (levels[folderOf(to)] ?? 99) >= (levels[folderOf(path)] ?? -1))
          .map((to) => `${relative(root, path)} -> ${relative(root, to)}`),
  )
}

/** One cycle of imports, if there is any. */
function cycle(files: readonly Source[]): string[] | undefined {
  const graph = new Map(files.map(({ path, imports }) => [path, imports]))
  const done = new Set<string>()
  const stack: string[] = []
  const visit = (path: string): string[] | undefined => {
    if (done.has(path)) return undefined
    const start = stack.indexOf(path)
    if (start >= 0) return [...stack.slice(start), path].map((one) => relative(root, one))
    stack.push(path)
    for (const next of graph.get(path) ?? []) {
      const found = visit(next)
      if (found !== undefined) return found
    }
    stack.pop()
    done.add(path)
    return undefined
  }
  for (const { path } of files) {
    const found = visit(path)
    if (found !== undefined) return found
  }
  return undefined
}

describe('layers', () => {
  test('every folder of src has a level', () => {
    const folders = new Set(all.filter(({ path }) => !isEntry(path)).map(({ path }) => folderOf(path)))
    expect([...folders].filter((folder) => levels[folder] === undefined)).toEqual([])
  })

  test('ARCHITECTURE.md shows the same table', () => {
    const text = readFileSync(resolve(root, '../ARCHITECTURE.md'), 'utf8')
    const rows = [...text.matchAll(/^\| ([\d.]+) \| `([a-z-]+)` \|/gm)].map(([, level, folder]) => [
      folder,
      Number(level),
    ])
    expect(Object.fromEntries(rows)).toEqual(levels)
  })

  test('arrows go down only', () => {
    expect(upward(all)).toEqual([])
  })

  test('the check of arrows sees an import upwards and one between siblings', () => {
    const file = (from: string, to: string) => ({ path: join(root, from), text: '', imports: [join(root, to)] })
    expect(upward([file('wire/a.ts', 'group/b.ts')])).toHaveLength(1)
    expect(upward([file('key-schedule/a.ts', 'secret-tree/b.ts')])).toHaveLength(1)
    expect(upward([file('group/a.ts', 'wire/b.ts')])).toHaveLength(0)
  })

  test('no cycle', () => {
    expect(cycle(all)).toBeUndefined()
    const [a, b] = [join(root, 'a.ts'), join(root, 'b.ts')]
    expect(
      cycle([
        { path: a, text: '', imports: [b] },
        { path: b, text: '', imports: [a] },
      ]),
    ).toHaveLength(3)
  })

  test('no file has more than 500 lines', () => {
    expect(all.filter(({ text, path }) => text.split('\n').length > 500 && !path.includes('.generated.'))).toEqual([])
  })

  test('nothing inside imports the public entry', () => {
    expect(all.filter(({ imports }) => imports.includes(join(root, 'index.ts'))).map(({ path }) => path)).toEqual([])
  })

  test('node: imports stand in adapters, providers, drivers and the command line alone', () => {
    const allowed = /^(providers|storage|xmpp\/adapters|testing|cli)\//
    const found = all.filter(({ path, text }) => /['"]node:/.test(text) && !allowed.test(relative(root, path)))
    expect(found.map(({ path }) => relative(root, path))).toEqual([])
  })

  test('clock and randomness come through ports', () => {
    const allowed = /^(providers|testing|cli)\//
    const found = all.filter(
      ({ path, text }) =>
        /\b(Date\.now|Math\.random|getRandomValues|performance\.now|new Date\(\))/.test(text) &&
        !allowed.test(relative(root, path)),
    )
    expect(found.map(({ path }) => relative(root, path))).toEqual([])
  })

  test('labels of the protocol stand in one file', () => {
    const found = all.filter(({ text, path }) => /'MLS 1\.0 /.test(text) && !path.endsWith('crypto/labels.ts'))
    expect(found.map(({ path }) => relative(root, path))).toEqual([])
  })
})
