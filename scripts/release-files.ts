/**
 * The manifest of a release: every file with its hash in the form of Subresource Integrity, so that the same text serves
 * `integrity` attributes. The hash of the manifest itself is what a release announces in another place than the one that
 * serves the files.
 */
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

/** The name of the manifest in its folder. */
export const releaseManifestName = 'release-manifest.json'

/** What a release consists of: paths with `/`, ascending, and `sha384-` with base64. */
export interface ReleaseManifest {
  readonly version: string
  readonly files: Readonly<Record<string, string>>
}

/** Subresource Integrity of bytes, SHA-384. */
export function integrityOf(bytes: Uint8Array): string {
  return `sha384-${createHash('sha384').update(bytes).digest('base64')}`
}

/** The manifest of the files of a folder. Two builds of the same bytes have the same. */
export function makeReleaseManifest(folder: string, version: string): ReleaseManifest {
  const paths = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((path) => path !== releaseManifestName)
    .sort()
  return {
    version,
    files: Object.fromEntries(paths.map((path) => [path, integrityOf(readFileSync(join(folder, path)))])),
  }
}

/** The text of a manifest. */
export function releaseText(manifest: ReleaseManifest): string {
  return `${JSON.stringify(manifest, undefined, 2)}\n`
}

/**
 * What is wrong with a copy of a release, against its manifest there and the hash of that manifest from another place.
 * Nothing: an empty list.
 */
export function checkRelease(folder: string, pinned: string): string[] {
  const text = readFileSync(join(folder, releaseManifestName))
  if (integrityOf(text) !== pinned) return ['another manifest than the one that was announced']
  const { version, files } = JSON.parse(text.toString()) as ReleaseManifest
  const there = makeReleaseManifest(folder, version).files
  const names = [...new Set([...Object.keys(files), ...Object.keys(there)])].sort()
  return names.flatMap((name) => {
    if (files[name] === there[name]) return []
    return there[name] === undefined
      ? [`missing: ${name}`]
      : files[name] === undefined
        ? [`added: ${name}`]
        : [`changed: ${name}`]
  })
}
