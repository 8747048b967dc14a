import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { fileURLToPath } from 'node:url'

const { MLS_VECTORS_DIR } = env

/** Where published vectors lie: `MLS_VECTORS_DIR`, or `shared/vectors` beside the checkout. */
export const vectorsDirectory = MLS_VECTORS_DIR ?? fileURLToPath(new URL('../../../shared/vectors', import.meta.url))

/**
 * The content of a published vector file, e.g. `mlswg/crypto-basics.json`; `undefined` and one line on the console when the
 * vectors are not on this machine.
 */
export function loadVectors<T>(name: string): T | undefined {
  const path = join(vectorsDirectory, name)
  if (!existsSync(path)) {
    console.log(`vectors not found: ${name}`)
    return undefined
  }
  return JSON.parse(readFileSync(path, 'utf8')) as T
}
