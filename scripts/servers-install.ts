// Installs the real servers of the test suites from Debian's archive: needs root (or sudo) and apt.
import { spawnSync } from 'node:child_process'
import { missingPrograms } from './servers-locate.ts'

const packages = ['prosody', 'prosody-modules', 'lua-unbound', 'ejabberd', 'erlang-p1-sqlite3']

function run(command: string, ...args: readonly string[]): void {
  const asRoot = process.getuid?.() === 0 ? [command, ...args] : ['sudo', '-n', command, ...args]
  const [program, ...rest] = asRoot as [string, ...string[]]
  const { status } = spawnSync(program, rest, {
    stdio: 'inherit',
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  })
  if (status !== 0) throw new Error(`${command} failed`)
}

if (missingPrograms().length > 0) {
  run('apt-get', 'update', '-qq')
  run('apt-get', 'install', '-y', '-qq', '--no-install-recommends', ...packages)
}
const missing = missingPrograms()
if (missing.length > 0) throw new Error(`still missing: ${missing.join(', ')}`)
console.log('prosody and ejabberd are installed')
