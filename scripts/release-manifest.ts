/**
 * Writes or checks the manifest of a build.
 *
 *   npx tsx scripts/release-manifest.ts write [FOLDER]          `dist` unless given; prints the hash to announce
 *   npx tsx scripts/release-manifest.ts check FOLDER HASH       exits with 1 when the copy is not the release
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { checkRelease, integrityOf, makeReleaseManifest, releaseManifestName, releaseText } from './release-files.ts'

const root = join(import.meta.dirname, '..')
const [what, folder = join(root, 'dist'), pinned] = process.argv.slice(2)
if (what === 'write') {
  const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }
  const manifest = makeReleaseManifest(folder, version)
  const text = releaseText(manifest)
  writeFileSync(join(folder, releaseManifestName), text)
  console.log(`${Object.keys(manifest.files).length} files; announce ${integrityOf(Buffer.from(text))}`)
} else if (what === 'check' && pinned !== undefined) {
  const problems = checkRelease(folder, pinned)
  for (const problem of problems) console.log(problem)
  console.log(problems.length === 0 ? 'this is the release' : 'this is not the release')
  process.exitCode = problems.length === 0 ? 0 : 1
} else {
  console.error('usage: release-manifest write [FOLDER] | check FOLDER HASH')
  process.exitCode = 2
}
