import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'

const folder = join(import.meta.dirname, '../../examples')

/** What each example must have said by its end. */
const said: Readonly<Record<string, readonly string[]>> = {
  'create-add-send.ts': ['alice: hello, Bob', 'Bob sees the same number'],
  'external-join.ts': ['members: 2, epoch 1, equal: true', 'removed 1, members: 2', 'welcome back'],
  'pre-shared-key.ts': ['without the key: psk/missing', 'with the key, equal: true'],
  'reinit.ts': ['the old group is reinitialized for Alice and reinitialized for Bob', 'equal: true'],
  'stored-group.ts': ['to be sent: 1', 'bob reads: hello, Bob', 'kept: hello, Bob', 'kept after forget: 0'],
  'custom-proposal.ts': ['the room is now called: The walled garden'],
}

test('every example is listed here', () => {
  expect(
    readdirSync(folder)
      .filter((file) => file.endsWith('.ts'))
      .sort(),
  ).toEqual(Object.keys(said).sort())
})

test.each(Object.entries(said))('%s runs', async (file, lines) => {
  const output: string[] = []
  const log = vi.spyOn(console, 'log').mockImplementation((...parts) => void output.push(parts.join(' ')))
  try {
    await import(join(folder, file))
  } finally {
    log.mockRestore()
  }
  for (const line of lines) expect(output).toContain(line)
})
