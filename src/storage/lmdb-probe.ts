/**
 * Whether LMDB's writer lock can be had. The library takes it while opening, on the thread that calls, and cannot be told
 * to give up: behind a process that was stopped inside a transaction the event loop would stand still. So when a living
 * process may hold the store, a child process opens it first, and is killed if it does not come back in time.
 *
 * A file beside the database names the process that opened it last: a hint about when to look, nothing rests on it. What
 * remains is a process that is stopped in the instant between this look and the opening.
 */
import { spawn } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { MlsError } from '../bytes/errors.ts'

const hint = (path: string) => join(path, 'owner.pid')

/** Whether a process of this number runs. */
export function isAlive(process_: number): boolean {
  if (process_ === 0) return false
  try {
    process.kill(process_, 0)
    return true
  } catch (error) {
    return (error as { code?: unknown }).code === 'EPERM'
  }
}

function lastProcess(path: string): number {
  try {
    const number = Number(readFileSync(hint(path), 'latin1'))
    return Number.isSafeInteger(number) ? number : 0
  } catch {
    return 0
  }
}

/** Leaves the hint that this process holds the store. Failing to do so costs the protection above, not the store. */
export function leaveHint(path: string): void {
  try {
    writeFileSync(hint(path), String(process.pid))
  } catch {
    // Best effort, see above.
  }
}

/** Removes the hint of this process. */
export function removeHint(path: string): void {
  if (lastProcess(path) === process.pid) rmSync(hint(path), { force: true })
}

const program = `const [library, path] = process.argv.slice(1)
const { open } = await import(library)
await open({ path, noSubdir: false, encoding: 'binary', keyEncoding: 'binary', useVersions: true, overlappingSync: false }).close()`

/**
 * Resolves when the writer lock was free a moment ago.
 * @throws `storage/busy` when it was not for `timeout` milliseconds, `storage/io` when the child process cannot be started
 */
export async function awaitWriterLock(path: string, timeout: number): Promise<void> {
  const last = lastProcess(path)
  if (last === process.pid || !isAlive(last)) return
  const child = spawn(
    process.execPath,
    ['--input-type=module', '-e', program, '--', import.meta.resolve('lmdb'), path],
    { stdio: 'ignore', env: { ...process.env, ELECTRON_RUN_AS_NODE: '1' } },
  )
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      child.kill('SIGKILL')
      reject(new MlsError('storage/busy', 'the writer lock is held by a process that does not run'))
    }, timeout)
    child.on('error', (cause) => {
      clearTimeout(timer)
      reject(new MlsError('storage/io', 'cannot look at the writer lock', { cause }))
    })
    // Any end will do: what is wrong with the store, the opening itself will say.
    child.on('exit', () => {
      clearTimeout(timer)
      resolve()
    })
  })
}
