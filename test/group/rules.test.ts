/** Rules of a group (`ports/group-rules.ts`): every path asks them, with what changed and nothing else. */
import { expect, test } from 'vitest'
import { MlsError } from '../../src/bytes/errors.ts'
import {
  branchGroup,
  createGroup,
  createIdentity,
  createKeyPackage,
  type GroupRules,
  joinExternal,
  joinGroup,
  type RuleGroup,
  type RuleTransition,
  reinitGroup,
  restoreGroup,
} from '../../src/index.ts'
import { codeOf, commitIn, members, suite } from './support.ts'

interface Recorder extends GroupRules {
  readonly groups: RuleGroup[]
  readonly transitions: RuleTransition[]
  /** What is refused. */
  refuse: 'nothing' | 'groups' | 'transitions'
}

function recorder(): Recorder {
  const refused = () => new MlsError('policy/proposal', 'refused by the rules of the test')
  const self: Recorder = {
    groups: [],
    transitions: [],
    refuse: 'nothing',
    checkGroup(group) {
      self.groups.push(group)
      if (self.refuse === 'groups') throw refused()
    },
    async checkTransition(transition) {
      self.transitions.push(transition)
      if (self.refuse === 'transitions') throw refused()
    },
  }
  return self
}

test('creating, own commits, received commits, joins: all ask', async () => {
  const rules = recorder()
  const { groups } = await members(3, { options: { rules } })
  // one creation and two joins; one commit
  expect(rules.groups.map(({ epoch, tree }) => [epoch, tree.memberCount])).toEqual([
    [0n, 1],
    [1n, 3],
    [1n, 3],
  ])
  expect(rules.transitions).toHaveLength(1)
  rules.transitions.length = 0
  await commitIn(groups, 1, { remove: [2] })
  // the committer, and both who received it: the removed one, too
  expect(rules.transitions).toHaveLength(3)
  const groupInfo = await groups[0]!.groupInfo()
  await joinExternal({ suite, groupInfo, identity: createIdentity(suite, 'dora'), options: { rules } })
  expect(rules.groups).toHaveLength(4)
  expect(rules.transitions.at(-1)).toMatchObject({ external: true, committer: 2, changed: [2] })
})

test('a refusal stops every path and changes nothing', async () => {
  const rules = recorder()
  const { groups, identities } = await members(2, { options: { rules } })
  rules.refuse = 'groups'
  expect(await codeOf(() => createGroup({ suite, identity: createIdentity(suite, 'x'), options: { rules } }))).toBe(
    'policy/proposal',
  )
  const groupInfo = await groups[0]!.groupInfo()
  const identity = createIdentity(suite, 'dora')
  expect(await codeOf(() => joinExternal({ suite, groupInfo, identity, options: { rules } }))).toBe('policy/proposal')
  expect(await codeOf(() => groups[0]!.checkRules())).toBe('policy/proposal')
  const keyPackage = await createKeyPackage({ suite, identity })
  rules.refuse = 'transitions'
  expect(await codeOf(() => groups[0]!.commit({ add: [keyPackage] }))).toBe('policy/proposal')
  expect(groups[0]!.pending).toBeUndefined()
  expect(await codeOf(() => joinExternal({ suite, groupInfo, identity, options: { rules } }))).toBe('policy/proposal')
  // a member without rules commits, the others refuse it
  const lawless = restoreGroup(groups[0]!.snapshot(), { suite, signers: identities })
  const { commit } = await lawless.commit({ add: [keyPackage] })
  expect(await codeOf(() => groups[1]!.receive(commit))).toBe('policy/proposal')
  expect(groups[1]!.epoch).toBe(1n)
  rules.refuse = 'nothing'
  expect((await groups[1]!.receive(commit)).kind).toBe('commit')
})

test('branches and re-initialisations ask for the new group', async () => {
  const rules = recorder()
  const { groups, identities } = await members(2, { options: { rules } })
  const add = async () => [await createKeyPackage({ suite, identity: identities[1]! })]
  const before = { groups: rules.groups.length, transitions: rules.transitions.length }
  await branchGroup({ group: groups[0]!, identity: identities[0]!, add: await add(), options: { rules } })
  expect([rules.groups.length, rules.transitions.length]).toEqual([before.groups + 1, before.transitions + 1])
  await commitIn(groups, 0, { reinit: { groupId: new Uint8Array([1]), cipherSuite: 1, extensions: [] } })
  const keyPackages = await add()
  const at = { groups: rules.groups.length, transitions: rules.transitions.length }
  const { group, staged } = await reinitGroup({
    suite,
    group: groups[0]!,
    identity: identities[0]!,
    add: keyPackages,
    options: { rules },
  })
  const welcome = group.merge(staged).welcome!
  await joinGroup({
    suite,
    keyPackage: keyPackages[0]!,
    welcome,
    follows: { group: groups[1]!, usage: 'reinit' },
    options: { rules },
  })
  expect([rules.groups.length, rules.transitions.length]).toEqual([at.groups + 2, at.transitions + 1])
})

test('what changed, once each and in order, and who wanted it', async () => {
  const rules = recorder()
  const { groups } = await members(6, { options: { rules } })
  const keyPackage = await createKeyPackage({ suite, identity: createIdentity(suite, 'new') })
  const wireFormat = 'mls_public_message' as const
  for (const [by, options] of [
    [4, { update: true }],
    [3, { remove: 5 }],
    [2, { add: keyPackage }],
    [1, { extensions: [] }],
  ] as const) {
    const { proposal } = await groups[by]!.propose({ ...options, wireFormat })
    for (const group of groups) await group.receive(proposal)
  }
  rules.transitions.length = 0
  await commitIn(groups, 0)
  expect(rules.transitions).toHaveLength(6)
  for (const transition of rules.transitions) {
    expect(transition).toMatchObject({
      committer: 0,
      external: false,
      path: true,
      changed: [0, 4, 5],
      added: [{ leafIndex: 5, by: { senderType: 'member', leafIndex: 2 } }],
      removed: [{ leafIndex: 5, by: { senderType: 'member', leafIndex: 3 } }],
      updated: [4],
      extensionsBy: { senderType: 'member', leafIndex: 1 },
      custom: [],
    })
    const { before, after } = transition
    expect([before.epoch, after.epoch]).toEqual([1n, 2n])
    const differing = Array.from({ length: 8 }, (_, i) => i).filter(
      (i) => String(before.tree.leaf(i)?.bytes) !== String(after.tree.leaf(i)?.bytes),
    )
    expect(transition.changed).toEqual(differing)
  }
})

test('without path the committer has not changed; without extensions nobody wanted them', async () => {
  const rules = recorder()
  const { groups } = await members(2, { options: { rules } })
  const keyPackage = await createKeyPackage({ suite, identity: createIdentity(suite, 'new') })
  await groups[1]!.commit({ add: [keyPackage], path: false })
  expect(rules.transitions.at(-1)).toMatchObject({ path: false, changed: [2], committer: 1, extensionsBy: undefined })
})

test('proposals that the rules do not admit stay out of own commits', async () => {
  const seen: number[] = []
  const rules: GroupRules = {
    ...recorder(),
    admits: (_, { proposal }, { committer, proposals }) => {
      seen.push(committer, proposals.length)
      return proposal.proposalType !== 'remove'
    },
  }
  const { groups } = await members(3, { options: { rules } })
  const wireFormat = 'mls_public_message' as const
  for (const options of [{ remove: 0 }, { update: true }] as const) {
    const { proposal } = await groups[2]!.propose({ ...options, wireFormat })
    for (const group of groups) await group.receive(proposal)
  }
  const { staged } = await groups[1]!.commit()
  expect(staged.changes.removed).toEqual([])
  expect(staged.changes.updated).toHaveLength(1)
  expect(seen).toEqual([1, 2, 1, 2])
})
