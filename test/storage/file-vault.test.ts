import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { openFileVault } from '../../src/storage/file-vault.ts'

let folder = ''
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'vault-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

const blob = Uint8Array.from([1, 2, 3])

test('what was written is read and listed until it is destroyed', async () => {
  const vault = await openFileVault(folder)
  expect(await vault.read('a')).toBeUndefined()
  await vault.write('a', blob)
  await vault.write('b', Uint8Array.of(4))
  expect([await vault.read('a'), [...(await vault.list())].sort()]).toEqual([blob, ['a', 'b']])
  await vault.destroy('a')
  expect([await vault.read('a'), await vault.list()]).toEqual([undefined, ['b']])
  expect(readdirSync(folder).map((name) => [...readFileSync(join(folder, name))])).toEqual([[4]])
  // as after a crash between the two
  await vault.destroy('a')
})

test('a file that cannot be read, written or destroyed is an error, and no missing one', async () => {
  const vault = await openFileVault(folder)
  await vault.write('a', blob)
  const [name] = readdirSync(folder)
  rmSync(join(folder, name!))
  mkdirSync(join(folder, name!))
  const failed = expect.objectContaining({ code: 'storage/io' })
  await expect(vault.read('a')).rejects.toEqual(failed)
  await expect(vault.write('a', blob)).rejects.toEqual(failed)
  await expect(vault.destroy('a')).rejects.toEqual(failed)
  rmSync(folder, { recursive: true })
  await expect(vault.list()).rejects.toEqual(failed)
})
