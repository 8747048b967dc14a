/**
 * Builds of the source with some text replaced, made in a temporary folder: the checkout is never touched. What a build is
 * asked for are the attacks themselves, bundled together with the code that they attack.
 */
import { mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build, type Plugin } from 'esbuild'
import type { Attack } from './attack.ts'
import type { Patch } from './mutations.ts'

const root = resolve(import.meta.dirname, '../..')
const entry = join(import.meta.dirname, 'scenarios/index.ts')

/** The source of a file with patches. @throws Error when the text of a patch is not there exactly once */
export function patched(file: string, source: string, patches: readonly Patch[]): string {
  return patches.reduce((text, { from, to }) => {
    const count = text.split(from).length - 1
    if (count !== 1) throw new Error(`${file}: the text to patch is there ${count} times: ${from}`)
    if (from === to) throw new Error(`${file}: a patch that changes nothing`)
    return text.replace(from, () => to)
  }, source)
}

function patching(patches: readonly Patch[], used: Set<string>): Plugin {
  return {
    name: 'patching',
    setup({ onLoad }) {
      onLoad({ filter: /\.ts$/ }, ({ path }) => {
        const file = relative(root, path)
        const own = patches.filter((one) => one.file === file)
        const source = readFileSync(path, 'utf8')
        if (own.length > 0) used.add(file)
        // modules that look for their own place find it where the source is
        const text = patched(file, source, own)
          .replaceAll('import.meta.url', JSON.stringify(pathToFileURL(path).href))
          .replaceAll('import.meta.dirname', JSON.stringify(join(path, '..')))
        return { contents: text, loader: 'ts' }
      })
    },
  }
}

/** A folder for builds. Call `remove` at the end. */
export class Builds {
  readonly #folder = mkdtempSync(join(tmpdir(), 'xmpp-mls-attacks-'))
  #count = 0

  constructor() {
    symlinkSync(join(root, 'node_modules'), join(this.#folder, 'node_modules'), 'junction')
  }

  /** The attacks on a build with some text replaced. @throws Error for a patch that fits nowhere */
  async attacks(patches: readonly Patch[]): Promise<ReadonlyMap<string, Attack>> {
    const used = new Set<string>()
    const outfile = join(this.#folder, `build-${this.#count++}.mjs`)
    await build({
      entryPoints: [entry],
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      target: 'node20',
      packages: 'external',
      logLevel: 'silent',
      plugins: [patching(patches, used)],
    })
    for (const { file } of patches)
      if (!used.has(file)) throw new Error(`${file}: no attack loads what is to be patched`)
    const { attacks } = (await import(pathToFileURL(outfile).href)) as { attacks: readonly Attack[] }
    return new Map(attacks.map((one) => [one.id, one]))
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true })
  }
}
