import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { env } from 'node:process'
import { fileURLToPath } from 'node:url'

/** One official file. */
export interface VectorFile {
  /** File name, e.g. `tree-math.json`. */
  readonly name: string
  readonly sha256: string
  /** Elements of its JSON array. */
  readonly cases: number
}

/** `manifest.json`: where the official files come from, and what they are. */
export interface Manifest {
  /** `owner/name` of the repository. */
  readonly repository: string
  readonly commit: string
  /** Folder inside the repository. */
  readonly folder: string
  readonly files: readonly VectorFile[]
}

/** The manifest of this folder. */
export const manifest: Manifest = JSON.parse(readFileSync(new URL('manifest.json', import.meta.url), 'utf8'))

const { MLS_VECTORS_DIR } = env

/** Where downloaded files are kept. */
export const downloadedDirectory: string = fileURLToPath(new URL('downloaded', import.meta.url))

/**
 * The folder that holds the official files: `mlswg/` inside `MLS_VECTORS_DIR`, else inside `shared/vectors` beside the
 * project, else a downloaded copy. `undefined` where none of them is there.
 */
export function officialDirectory(): string | undefined {
  const beside = fileURLToPath(new URL('../../shared/vectors', import.meta.url))
  const places = MLS_VECTORS_DIR === undefined ? [beside, downloadedDirectory] : [MLS_VECTORS_DIR]
  return places.map((place) => join(place, 'mlswg')).find((place) => existsSync(place))
}
