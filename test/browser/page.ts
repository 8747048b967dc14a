/** What `scripts/test-browser.ts` runs inside of a page: the engine as an application would use it. */
import {
  cipherSuite,
  createGroup,
  createIdentity,
  createKeyPackage,
  fromUtf8,
  type Group,
  joinExternal,
  joinGroup,
  restoreGroup,
  suites,
  utf8,
} from 'xmpp-mls'
import { createWebPool } from 'xmpp-mls/providers/pool/web'

interface Outcome {
  readonly name: string
  readonly problem: string
}

const need = <T>(value: T | undefined): T => {
  if (value === undefined) throw new Error('something is missing')
  return value
}
const same = (a: unknown, b: unknown): void => {
  if (a !== b) throw new Error(`${String(a)} is not ${String(b)}`)
}

async function scenario(id: number): Promise<void> {
  const suite = await cipherSuite(id)
  const alice = await createGroup({ suite, identity: createIdentity(suite, 'alice') })
  const bobKeys = await createKeyPackage({ suite, identity: createIdentity(suite, 'bob') })
  const { welcome } = alice.merge((await alice.commit({ add: [bobKeys.message] })).staged)
  const bob: Group = await joinGroup({ suite, welcome: need(welcome), keyPackage: bobKeys })
  const result = await bob.receive(alice.protect(utf8('hello')))
  same(result.kind === 'message' && fromUtf8(result.data), 'hello')
  const carolIdentity = createIdentity(suite, 'carol')
  const join = await joinExternal({ suite, identity: carolIdentity, groupInfo: await bob.groupInfo() })
  for (const member of [alice, bob]) await member.receive(join.commit)
  const carol = restoreGroup(join.complete().snapshot(), { suite, signers: [carolIdentity] })
  const { commit, staged } = await carol.commit({ remove: [bob.leafIndex] })
  for (const member of [alice, bob]) await member.receive(commit)
  carol.merge(staged)
  same(alice.safetyNumber, carol.safetyNumber)
  same(bob.status, 'removed')
}

/** Two Web Workers check the signatures of a join and seal a commit: the same states as on one thread. */
async function overWorkers(members: number): Promise<void> {
  const pool = createWebPool({ size: 2, minimum: 0 })
  try {
    await pool.warm()
    const [alone, shared] = [await cipherSuite(1), await cipherSuite(1, { provider: pool })]
    const keys = await Promise.all(
      Array.from({ length: members }, (_, i) =>
        createKeyPackage({ suite: alone, identity: createIdentity(alone, `member ${i}`) }),
      ),
    )
    const alice = await createGroup({ suite: shared, identity: createIdentity(shared, 'alice') })
    const beforeAdding = pool.finished
    const { welcome } = alice.merge((await alice.commit({ add: keys.map(({ message }) => message) })).staged)
    if (pool.finished < beforeAdding + 2) throw new Error('the commit was made without workers')
    const beforeJoining = pool.finished
    const keyPackage = need(keys[0])
    const joined = await joinGroup({ suite: shared, welcome: need(welcome), keyPackage })
    if (pool.finished < beforeJoining + 2) throw new Error('the join was made without workers')
    const plain = await joinGroup({ suite: alone, welcome: need(welcome), keyPackage })
    for (const group of [joined, plain]) {
      same(group.memberCount, members + 1)
      same(String(group.treeHash), String(alice.treeHash))
      same(String(group.epochAuthenticator), String(alice.epochAuthenticator))
    }
    same(String(joined.snapshot()), String(plain.snapshot()))
    const result = await joined.receive(alice.protect(utf8('hello')))
    same(result.kind === 'message' && fromUtf8(result.data), 'hello')
  } finally {
    pool.close()
  }
}

async function run(): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const scenarios: [string, () => Promise<void>][] = [
    ...suites.map(({ id, name }): [string, () => Promise<void>] => [name, () => scenario(id)]),
    ['two Web Workers, 100 members', () => overWorkers(100)],
  ]
  for (const [name, work] of scenarios) {
    try {
      await work()
      outcomes.push({ name, problem: '' })
    } catch (error) {
      outcomes.push({ name, problem: String(error) })
    }
  }
  return outcomes
}

Object.assign(globalThis, { run })
