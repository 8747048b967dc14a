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

async function run(): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  for (const { id, name } of suites) {
    try {
      await scenario(id)
      outcomes.push({ name, problem: '' })
    } catch (error) {
      outcomes.push({ name, problem: String(error) })
    }
  }
  return outcomes
}

Object.assign(globalThis, { run })
