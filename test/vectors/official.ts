import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { wasmProvider } from '../../src/providers/wasm/provider.ts'
import { officialDigests } from '../../vectors/digest.ts'
import { vectorEngine } from '../../vectors/engine.ts'
import { families, familyName } from '../../vectors/families.ts'
import { manifest, officialDirectory, type VectorFile } from '../../vectors/manifest.ts'
import { runFile } from '../../vectors/run.ts'

const engine = vectorEngine(wasmProvider)
const digests = officialDigests()
const directory = officialDirectory()

/** One test for each official file that is on this machine; one line for each that is not. */
export function testOfficialFiles(isWanted: (file: VectorFile) => boolean): void {
  for (const file of manifest.files.filter(isWanted)) {
    test(`${file.name}: ${file.cases} cases`, { timeout: 900_000 }, async () => {
      const path = join(directory ?? '', file.name)
      if (directory === undefined || !existsSync(path)) {
        console.log(`${file.name} not found`)
        return
      }
      const name = familyName(file.name)
      const family = name === undefined ? undefined : families.get(name)
      if (family === undefined) throw new Error(`no family for ${file.name}`)
      const published = { digests: digests.get(file.name) ?? [], claimed: true }
      const report = await runFile(file.name, path, family, engine, published)
      expect(report.failures.map(({ index, error }) => `case ${index}: ${error.message}`)).toEqual([])
      expect(report.passed).toBe(file.cases)
    })
  }
}
