import { describe } from 'vitest'
import { testOfficialFiles } from './official.ts'

describe('official test vectors', () => {
  testOfficialFiles(({ name }) => name === 'treekem.json')
})
