/** OpenMLS and mls-rs, for `npm run bench -- groups`: one process each, told what to do line by line. */
import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Change, Implementation } from './implementation.ts'

const crate = join(import.meta.dirname, '..', 'peers', 'native')

/** The path of the native peers, built when that is needed; or why there are none. */
export function buildNative(): { readonly path: string } | { readonly absent: string } {
  try {
    execFileSync('cargo', ['--version'], { stdio: 'ignore' })
  } catch {
    return { absent: 'OpenMLS and mls-rs (native): skipped, there is no cargo here' }
  }
  try {
    console.log('building bench/peers/native (some minutes the first time)')
    execFileSync('cargo', ['build', '--release', '--quiet'], { cwd: crate, stdio: ['ignore', 'inherit', 'inherit'] })
    return { path: join(crate, 'target', 'release', 'mls-bench-native') }
  } catch {
    return { absent: 'OpenMLS and mls-rs (native): skipped, bench/peers/native cannot be built here' }
  }
}

interface Reply {
  readonly ms: number
  readonly bytes?: number
  readonly welcome?: number
  readonly held?: number
  readonly error?: string
}

function conversation(child: ChildProcessWithoutNullStreams): (line: string) => Promise<Reply> {
  const replies = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  child.stderr.pipe(process.stderr)
  return async (line) => {
    child.stdin.write(`${line}\n`)
    const { value, done } = await replies.next()
    if (done) throw new Error(`the native peer ended at "${line}"`)
    const reply = JSON.parse(value) as Reply
    if (reply.error !== undefined) throw new Error(`native peer at "${line}": ${reply.error}`)
    return reply
  }
}

/** One implementation of the native peers over one suite; both compute on all cores unless `threads` says how many. */
export function nativePeer(
  path: string,
  kind: 'openmls' | 'mls-rs',
  suite: number,
  threads: string | undefined,
): Implementation {
  const folder = mkdtempSync(join(tmpdir(), 'mls-bench-'))
  const child = spawn(path, [kind, String(suite)], {
    env: { ...process.env, ...(threads === undefined ? {} : { RAYON_NUM_THREADS: threads }) },
  })
  const say = conversation(child)
  const file = (name: string): string => join(folder, name)
  const given = (name: string, bytes: Uint8Array): string => {
    writeFileSync(file(name), bytes)
    return file(name)
  }
  const taken = (name: string): Uint8Array => Uint8Array.from(readFileSync(file(name)))
  const describe = (change: Change): string => {
    if (change.kind === 'add') return `add ${given('newcomer', change.keyPackage)}`
    return change.kind === 'update' ? 'update' : `remove ${change.leaves.join(' ')}`
  }
  return {
    name: kind === 'openmls' ? 'OpenMLS native' : 'mls-rs native',
    largest: 10_000,
    removes: 1,
    async keyPackage(who) {
      await say(`keypackage ${who} ${file('keypackage')}`)
      return taken('keypackage')
    },
    async create(who, adds) {
      const parts = adds.flatMap((bytes) => {
        const length = Buffer.alloc(4)
        length.writeUInt32BE(bytes.length)
        return [length, bytes]
      })
      const reply = await say(`create ${who} ${given('adds', Buffer.concat(parts))} ${file('welcome')}`)
      const welcome = taken('welcome')
      return {
        ms: reply.ms,
        message: new Uint8Array(reply.bytes ?? 0),
        welcome: welcome.length,
        welcomeMessage: welcome,
      }
    },
    async join(who, welcome) {
      const { ms, held = 0 } = await say(`join ${who} ${given('welcome', welcome)}`)
      return { ms, held }
    },
    async commit(who, change) {
      const { ms, welcome = 0 } = await say(`commit ${who} ${file('commit')} ${describe(change)}`)
      return { ms, message: taken('commit'), welcome }
    },
    async process(who, commit) {
      return (await say(`process ${who} ${given('commit', commit)}`)).ms
    },
    async send(who, length) {
      const { ms } = await say(`send ${who} ${length} ${file('message')}`)
      return { ms, message: taken('message'), welcome: 0 }
    },
    async receive(who, message) {
      return (await say(`receive ${who} ${given('message', message)}`)).ms
    },
    close() {
      child.stdin.end()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
