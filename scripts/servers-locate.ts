import { spawnSync } from 'node:child_process'
import { dirname } from 'node:path'

/** Files of an installed Debian package; empty when it is not installed. */
function filesOf(name: string): readonly string[] {
  const { stdout, status } = spawnSync('dpkg', ['-L', name], { encoding: 'utf8' })
  return status === 0 ? stdout.split('\n') : []
}

/** The folder of Erlang libraries that holds ejabberd. */
export function ejabberdLibraries(): string | undefined {
  const main = filesOf('ejabberd').find((path) => /\/ejabberd-[\d.]+$/.test(path))
  return main === undefined ? undefined : dirname(main)
}

/** The folder of Prosody's community modules. */
export function prosodyModules(): string | undefined {
  const module = filesOf('prosody-modules').find((path) => path.endsWith('/mod_cloud_notify'))
  return module === undefined ? undefined : dirname(module)
}

/** What the test suites need and this machine lacks. */
export function missingPrograms(): readonly string[] {
  const found = (program: string): boolean => spawnSync('sh', ['-c', `command -v ${program}`]).status === 0
  return [
    ...(found('prosody') ? [] : ['prosody']),
    ...(found('erl') && ejabberdLibraries() !== undefined ? [] : ['ejabberd']),
    ...(filesOf('erlang-p1-sqlite3').length > 0 ? [] : ['erlang-p1-sqlite3']),
    ...(filesOf('lua-unbound').length > 0 ? [] : ['lua-unbound']),
  ]
}
