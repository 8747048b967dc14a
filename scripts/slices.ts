/**
 * How long the event loop waits: runs the long asynchronous calls and prints the longest run of work between two turns of
 * the loop, in milliseconds: by the clock, or of processor time where that is less, because the machine had other work. Of
 * several repetitions the least. `all` is the time by the clock of the whole call.
 * `npx tsx scripts/slices.ts [N,N,...] [--provider=node|wasm|noble]`
 */
import { openNamed, readArguments } from '../bench/support/open-suite.ts'
import {
  type CipherSuite,
  createGroup,
  createIdentity,
  createKeyPackage,
  joinExternal,
  joinGroup,
  type KeyPackageBundle,
} from '../src/index.ts'
import { populatedGroup } from '../test/support/populated-group.ts'

const repetitions = 5

interface Run {
  readonly longest: number
  readonly total: number
}

/** Milliseconds of the whole process, so that helping threads only add to it. */
function processorTime(): number {
  const { user, system } = process.cpuUsage()
  return (user + system) / 1000
}

/** One call, watched by an immediate that sets itself again. */
async function watch(work: () => Promise<unknown>): Promise<Run> {
  await new Promise((resolve) => setTimeout(resolve, 20))
  let longest = 0
  let going = true
  const start = performance.now()
  let last = start
  let used = processorTime()
  const look = (): void => {
    const [now, usedNow] = [performance.now(), processorTime()]
    longest = Math.max(longest, Math.min(now - last, usedNow - used))
    last = now
    used = usedNow
  }
  const turn = (): void => {
    look()
    if (going) setImmediate(turn)
  }
  setImmediate(turn)
  await work()
  going = false
  look()
  return { longest, total: performance.now() - start }
}

async function report(name: string, work: () => Promise<unknown>): Promise<void> {
  const runs: Run[] = []
  for (let i = 0; i < repetitions; i++) runs.push(await watch(work))
  const least = (pick: (run: Run) => number): string =>
    Math.min(...runs.map(pick))
      .toFixed(1)
      .padStart(9)
  console.log(`${name.padEnd(44)}${least((run) => run.longest)}${least((run) => run.total)}`)
}

async function measure(suite: CipherSuite, n: number): Promise<void> {
  const populated = populatedGroup(suite, n - 1, { ratchetTreeExtension: true })
  const keyPackage = await createKeyPackage({ suite, identity: createIdentity(suite, 'newcomer') })
  const host = populated.member(0)
  const { welcome } = host.merge((await host.commit({ add: [keyPackage], path: false })).staged)
  if (welcome === undefined) throw new Error('no Welcome')
  const groupInfo = await host.groupInfo({ externalPub: true })
  const stranger = createIdentity(suite, 'stranger')
  await report(`${n}: join by Welcome`, () => joinGroup({ suite, welcome, keyPackage }))
  await report(`${n}: join by external commit`, () => joinExternal({ suite, identity: stranger, groupInfo }))
  await report(`${n}: commit in a populated tree`, async () => {
    await host.commit()
    host.discard()
  })
  const other = populated.member(1)
  const { commit } = await other.commit()
  await report(`${n}: stage a commit`, async () => {
    const one = populated.member(2)
    const result = await one.stage(commit)
    if (result.kind === 'commit') one.discard(result.staged)
  })
}

async function measureFresh(suite: CipherSuite, n: number): Promise<void> {
  const add: KeyPackageBundle[] = []
  for (let i = 1; i < n; i++)
    add.push(await createKeyPackage({ suite, identity: createIdentity(suite, `member ${i}`) }))
  const identity = createIdentity(suite, 'first')
  await report(`${n}: add all to a new group`, async () => {
    const group = await createGroup({ suite, identity })
    await group.commit({ add })
  })
  const group = await createGroup({ suite, identity })
  const first = group.merge((await group.commit({ add, path: false })).staged)
  await report(`${n}: fresh commit, to every leaf`, async () => {
    await group.commit()
    group.discard()
  })
  const [keys] = add
  if (first.welcome === undefined || keys === undefined) throw new Error('no Welcome')
  const member = await joinGroup({ suite, welcome: first.welcome, keyPackage: keys })
  const { commit } = await group.commit()
  await report(`${n}: stage a fresh commit`, async () => {
    const result = await member.stage(commit)
    if (result.kind === 'commit') member.discard(result.staged)
  })
}

const { words, option } = readArguments(process.argv.slice(2))
const suite = await openNamed(1, option('provider'))
console.log(`${`provider ${suite.provider}${' '.repeat(30)}`.slice(0, 44).padEnd(44)}  longest      all`)
for (const n of (words[0] ?? '16,1000,10000').split(',').map(Number)) {
  await measure(suite, n)
  if (n <= 1000) await measureFresh(suite, n)
}
