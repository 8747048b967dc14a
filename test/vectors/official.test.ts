import { describe, expect, test } from 'vitest'
import { families, familyName } from '../../vectors/families.ts'
import { manifest } from '../../vectors/manifest.ts'
import { testOfficialFiles } from './official.ts'

describe('official test vectors', () => {
  test('785 cases in 16 files, and a family for each', () => {
    expect(manifest.files.length).toBe(16)
    expect(manifest.files.reduce((sum, { cases }) => sum + cases, 0)).toBe(785)
    expect(manifest.files.map(({ name }) => familyName(name)).sort()).toEqual([...families.keys()].sort())
  })

  // treekem takes as long as all others together and has a file of its own, to run beside this one
  testOfficialFiles(({ name }) => name !== 'treekem.json')
})
