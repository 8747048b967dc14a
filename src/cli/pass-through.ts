import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MlsError } from '../bytes/errors.ts'

/** The folder of the repository, where the command runs from one. */
export function repository(from = dirname(fileURLToPath(import.meta.url))): string | undefined {
  for (let folder = from; folder !== dirname(folder); folder = dirname(folder))
    if (existsSync(join(folder, 'scripts', 'vectors.ts')) && existsSync(join(folder, 'bench', 'run.ts'))) return folder
  return undefined
}

/**
 * Runs a script of the repository with these arguments and tells its exit code.
 * @throws `xmpp/unsupported` where there is no repository
 */
export async function passThrough(script: 'vectors' | 'bench', args: readonly string[]): Promise<number> {
  const root = repository()
  if (root === undefined)
    throw new MlsError('xmpp/unsupported', 'vectors and bench are in the repository, not in the package')
  const command =
    script === 'bench' ? ['--expose-gc', '--import', 'tsx', 'bench/run.ts'] : ['--import', 'tsx', 'scripts/vectors.ts']
  const child = spawn(process.execPath, [...command, ...args], { cwd: root, stdio: 'inherit' })
  return await new Promise((resolve) => child.once('exit', (code) => resolve(code ?? 1)))
}
