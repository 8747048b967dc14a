/** The operations of `npm run bench -- groups`, on all implementations in turn. */
import type { CipherSuite } from '../../src/index.ts'
import { populatedGroup } from '../../test/support/populated-group.ts'
import type { Change, Implementation } from './implementation.ts'

/** Samples by row and implementation. */
export class Samples {
  readonly #rows = new Map<string, Map<string, number[]>>()

  add(row: string, implementation: string, value: number): void {
    const columns = this.#rows.get(row) ?? new Map<string, number[]>()
    this.#rows.set(row, columns)
    columns.set(implementation, [...(columns.get(implementation) ?? []), value])
  }

  /** Row names in the order of their first sample. */
  get rows(): readonly string[] {
    return [...this.#rows.keys()]
  }

  of(row: string, implementation: string): readonly number[] | undefined {
    return this.#rows.get(row)?.get(implementation)
  }
}

/** What one size of group is measured with. */
export interface Plan {
  readonly n: number
  readonly rounds: number
  /** Application messages of each length. */
  readonly messages: number
  /** Whether very many messages that do not count go first. */
  readonly warm?: boolean
  readonly implementations: readonly Implementation[]
  /** KeyPackages of n members and one newcomer, the same for all. */
  readonly pool: readonly Uint8Array[]
}

/** Runs of one turn; staged and discarded commits use up generations of keys, which a receiver has to skip. */
const mostRepeats = 5
/** Milliseconds after which a turn is over. */
const turnMilliseconds = 250
/** One that takes longer for a single run has no further turns in that row: three sizes of three suites have to fit in minutes. */
const slowMilliseconds = 2_000

const [creator, joiner, committer, receiver] = [0, 1, 2, 3]

/**
 * Runs `work` for every implementation, `rounds` times over, and in each of its turns again while that takes few
 * milliseconds: the first run of a turn pays for what the others left in caches and on the heap, the median does not.
 * One that fails is left out from then on, with one line.
 */
async function eachRound(
  { implementations }: Plan,
  rounds: number,
  failed: Set<Implementation>,
  work: (implementation: Implementation, first: boolean) => Promise<void>,
): Promise<void> {
  const slow = new Set<Implementation>()
  for (let round = 0; round < rounds; round++)
    for (const implementation of implementations) {
      if (failed.has(implementation) || slow.has(implementation)) continue
      try {
        const start = performance.now()
        for (let i = 0; i === 0 || (i < mostRepeats && performance.now() < start + turnMilliseconds); i++)
          await work(implementation, round === 0 && i === 0)
        if (performance.now() - start > slowMilliseconds) slow.add(implementation)
      } catch (error) {
        failed.add(implementation)
        console.log(`  ${implementation.name}: left out from here on, ${(error as Error).message}`)
      }
    }
}

/** A group straight after one commit that added everybody: all parents are blank. */
export async function freshRows(plan: Plan, samples: Samples): Promise<void> {
  const { n, pool } = plan
  const failed = new Set(plan.implementations.filter(({ largest }) => n > largest))
  const welcomes = new Map<Implementation, Uint8Array>()
  const add = (row: string, { name }: Implementation, value: number): void => samples.add(row, name, value)
  await eachRound(plan, plan.rounds, failed, async (one, first) => {
    const adds = [await one.keyPackage(joiner), ...pool.slice(0, n - 2)]
    const { ms, message, welcome, welcomeMessage } = await one.create(creator, adds)
    add('create, n-1 adds (ms)', one, ms)
    welcomes.set(one, welcomeMessage)
    if (!first) return
    add('commit of n-1 adds (bytes)', one, message.length)
    add('Welcome for n-1 (bytes)', one, welcome)
  })
  await eachRound(plan, plan.rounds, failed, async (one) => {
    add('join fresh (ms)', one, (await one.join(joiner, welcomes.get(one)!)).ms)
  })
  if (n >= 1_000)
    await eachRound(plan, 1, failed, async (one, first) => {
      if (!first) return
      add('state of a member, fresh (bytes)', one, (await one.join(joiner, welcomes.get(one)!, true)).held)
    })
  welcomes.clear()
  await commitRows(plan, samples, failed, 'fresh', [creator, joiner])
  await messageRows(plan, samples, failed, [creator, joiner])
}

/**
 * A group in which every member has committed: one tree for all, made by the fixture, to which two clients of each
 * implementation are added, so that it has n members.
 */
export async function filledRows(plan: Plan, suite: CipherSuite, samples: Samples): Promise<void> {
  const populated = populatedGroup(suite, plan.n - 2, { ratchetTreeExtension: true })
  const failed = new Set(plan.implementations.filter(({ largest }) => plan.n > largest))
  const welcomes = new Map<Implementation, Uint8Array>()
  for (const one of plan.implementations) {
    const host = populated.member(0)
    const add = [await one.keyPackage(committer), await one.keyPackage(receiver)]
    const { welcome } = host.merge((await host.commit({ add, path: false })).staged)
    welcomes.set(one, welcome!)
  }
  await eachRound(plan, plan.rounds, failed, async (one) => {
    samples.add('join filled (ms)', one.name, (await one.join(committer, welcomes.get(one)!)).ms)
  })
  await eachRound(plan, 1, failed, async (one, first) => {
    if (!first) return
    const { held } = await one.join(receiver, welcomes.get(one)!, true)
    if (plan.n >= 1_000) samples.add('state of a member, filled (bytes)', one.name, held)
  })
  welcomes.clear()
  await commitRows(plan, samples, failed, 'filled', [committer, receiver])
}

type Pair = readonly [from: number, to: number]

async function commitRows(
  plan: Plan,
  samples: Samples,
  failed: Set<Implementation>,
  tree: string,
  [from, to]: Pair,
): Promise<void> {
  const { n, pool, rounds } = plan
  const middle = Math.floor(n / 2)
  const changes: [string, (one: Implementation) => Change][] = [
    ['self-update', () => ({ kind: 'update' })],
    ['add one', () => ({ kind: 'add', keyPackage: pool[n]! })],
    ['remove one', ({ removes }) => ({ kind: 'remove', leaves: [middle, middle + 1].slice(0, removes) })],
  ]
  for (const [name, change] of changes)
    await eachRound(
      plan,
      name === 'self-update' && tree === 'fresh' ? rounds : rounds + 4,
      failed,
      async (one, first) => {
        // a group of so few has nobody else to remove
        if (name === 'remove one' && (n < 8 || (tree === 'filled' && one.byIdentity))) return
        const { ms, message, welcome } = await one.commit(from, change(one))
        samples.add(`${name}, ${tree} (ms)`, one.name, ms)
        samples.add(`process ${name}, ${tree} (ms)`, one.name, await one.process(to, message))
        if (!first) return
        samples.add(`commit of ${name}, ${tree} (bytes)`, one.name, message.length)
        if (welcome > 0) samples.add(`Welcome for one, ${tree} (bytes)`, one.name, welcome)
      },
    )
}

/** Turns of five messages, of all implementations alike, that go before those that count: what is measured is compiled code. */
const warmTurns = 200

async function messageRows(plan: Plan, samples: Samples, failed: Set<Implementation>, [from, to]: Pair): Promise<void> {
  if (plan.warm === true)
    await eachRound(plan, warmTurns, failed, async (one) => {
      await one.receive(to, (await one.send(from, 1024)).message)
    })
  for (const [name, length] of [
    ['100 B', 100],
    ['1 KiB', 1024],
    ['64 KiB', 65536],
  ] as const)
    await eachRound(
      plan,
      length > 10_000 ? Math.ceil(plan.messages / 3) : plan.messages,
      failed,
      async (one, first) => {
        const { ms, message } = await one.send(from, length)
        samples.add(`send ${name} (ms)`, one.name, ms)
        samples.add(`receive ${name} (ms)`, one.name, await one.receive(to, message))
        if (first) samples.add(`message of ${name} (bytes)`, one.name, message.length)
      },
    )
}
