import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { expect, test } from 'vitest'

const root = join(import.meta.dirname, '../../src')

function files(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return files(path)
    return entry.name.endsWith('.ts') && !entry.name.includes('.generated.') ? [path] : []
  })
}

/** Declarations that are exported without a comment above them. A type beside a value of its name shares the value's. */
function undocumented(text: string): string[] {
  const lines = text.split('\n')
  const seen = new Set<string>()
  return lines.flatMap((line, i) => {
    const name = /^export (?:abstract )?(?:async )?(?:function|class|interface|type|const) (\w+)/.exec(line)?.[1]
    if (name === undefined || seen.has(name)) return []
    seen.add(name)
    return (lines[i - 1] ?? '').trimEnd().endsWith('*/') ? [] : [name]
  })
}

test('every export is documented', () => {
  const found = files(root).flatMap((path) =>
    undocumented(readFileSync(path, 'utf8')).map((name) => `${relative(root, path)}: ${name}`),
  )
  expect(found).toEqual([])
  expect(undocumented('export const a = 1\n/** B. */\nexport function b() {}')).toEqual(['a'])
})
