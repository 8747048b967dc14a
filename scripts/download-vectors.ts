/**
 * Downloads the official test vectors of `vectors/manifest.json` into `vectors/downloaded/mlswg/`, and keeps a file only
 * when its SHA-256 is that of the manifest.
 *
 * ```
 * npx tsx scripts/download-vectors.ts [--base ADDRESS] [--to FOLDER]
 * ```
 *
 * `--base` names a server with paths `/owner/repository/commit/path`, for mirrors.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exit, stdout } from 'node:process'
import { Command } from 'commander'
import { expectFileDigest } from '../vectors/digest.ts'
import { downloadedDirectory, manifest } from '../vectors/manifest.ts'

const { base, to } = new Command('download-vectors')
  .description('Downloads the official MLS test vectors and checks them.')
  .option('--base <address>', 'server of raw files', 'https://raw.githubusercontent.com')
  .option('--to <folder>', 'where to keep them', downloadedDirectory)
  .parse()
  .opts<{ base: string; to: string }>()

const folder = join(to, 'mlswg')
mkdirSync(folder, { recursive: true })
let failed = 0
for (const file of manifest.files) {
  const address = [base.replace(/\/$/, ''), manifest.repository, manifest.commit, manifest.folder, file.name].join('/')
  try {
    const answer = await fetch(address)
    if (!answer.ok) throw new Error(`the server answered ${answer.status}`)
    const bytes = new Uint8Array(await answer.arrayBuffer())
    expectFileDigest(file, bytes)
    writeFileSync(join(folder, file.name), bytes)
    stdout.write(`${file.name} ${bytes.length} bytes\n`)
  } catch (error) {
    failed++
    stdout.write(`${file.name} failed: ${error instanceof Error ? error.message : error}\n`)
  }
}
stdout.write(`${manifest.files.length - failed} files in ${folder}, ${failed} failed\n`)
exit(failed === 0 ? 0 : 1)
