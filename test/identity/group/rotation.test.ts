/** H3, H5: an account changes its root, and the group takes note. */
import { beforeAll, describe, expect, test } from 'vitest'
import {
  identityContextOf,
  type RotationRecord,
  withCertificate,
  withIdentityContext,
} from '../../../src/identity/group-components.ts'
import { type RotationProof, rotationProposal } from '../../../src/identity/group-evidence.ts'
import { checkRecords } from '../../../src/identity/group-succession.ts'
import { signManifest } from '../../../src/identity/manifest.ts'
import { rootHash } from '../../../src/identity/root-keys.ts'
import { signRotation } from '../../../src/identity/rotation.ts'
import type { CommitOptions, Group } from '../../../src/index.ts'
import { contentOf, device, person, rootOf } from '../fixture.ts'
import {
  certify,
  commitAll,
  external,
  lawless,
  makeWorld,
  outcomeOf,
  type Phone,
  packageOf,
  phone,
  rulesAlone,
  suite,
  type World,
} from './support.ts'

const rotation = 'identity_group/rotation H3'
const root = 'identity_group/root H3'
let phones: Phone[]
let moved: Phone
let world: World
let proof: RotationProof
beforeAll(async () => {
  phones = [await phone('alice'), await phone('bob'), await phone('bob', 'tablet'), await phone('carol')]
  moved = await phone('bob', 'phone', { generation: 1 })
  proof = await rotated('bob')
  world = await makeWorld({ members: phones, admins: ['alice'], policy: { rotationGrace: 2 } })
})

/** The proof of a rotation from generation 0 to 1. */
async function rotated(
  name: string,
  changes: { readonly announced?: Uint8Array; readonly reset?: boolean; readonly last?: bigint } = {},
): Promise<RotationProof> {
  const old = await person(name)
  const last = await signManifest(
    suite,
    old.byOps,
    contentOf(old, {
      devices: [device(name, 'phone'), device(name, 'tablet')],
      nextRootHash: Uint8Array.from(changes.announced ?? rootHash(suite, old.next.root)),
    }),
  )
  const signers = { old: changes.reset === true ? undefined : old.root, next: rootOf(name, 1) }
  const statement = await signRotation(
    suite,
    signers,
    {
      account: old.account,
      oldGeneration: 0,
      oldRootHash: last.rootHash,
      newGeneration: 1,
      lastSeq: changes.last ?? last.seq,
      lastHash: last.hash,
    },
    old.root.root,
  )
  return { lastManifest: last.bytes, statement }
}

function recordOf(name: string, epoch: bigint): RotationRecord {
  return {
    account: Buffer.from(`${name}@example.org`) as unknown as RotationRecord['account'],
    oldGeneration: 0,
    oldRoot: rootOf(name).root.ed25519,
    newGeneration: 1,
    newRoot: rootOf(name, 1).root.ed25519,
    epoch,
  }
}

const context = (group: Group, rotations: readonly RotationRecord[]) =>
  withIdentityContext(group.extensions, { rotations })
/** A commit that records the rotation of bob and moves the committer's leaf. */
const moving = (group: Group, changes: Partial<CommitOptions> = {}): CommitOptions => ({
  extensions: context(group, [...identityContextOf(group.extensions).rotations, recordOf('bob', group.epoch + 1n)]),
  custom: [rotationProposal(proof)],
  leaf: { extensions: withCertificate([], moved.cert) },
  ...changes,
})

describe('a rotation is recorded', () => {
  test('by the device that moves, with the proof in the same commit', async () => {
    const group = world.groups[0]!
    expect(await world.outcome(1, moving(group))).toBe('accepted')
    expect(await world.outcome(1, moving(group, { custom: [] }))).toBe(rotation)
    expect(await world.outcome(1, moving(group, { extensions: group.extensions }))).toBe(root)
  })
  test('by anybody', async () => {
    expect(await world.outcome(3, { ...moving(world.groups[0]!), leaf: undefined as never })).toBe('accepted')
  })
  test('an announced root alone, no reset, nothing from another place of the chain', async () => {
    const group = world.groups[0]!
    const nothing = new Uint8Array(32)
    expect(
      await world.outcome(
        1,
        moving(group, { custom: [rotationProposal(await rotated('bob', { announced: nothing }))] }),
      ),
    ).toBe('accepted')
    for (const changes of [{ announced: new Uint8Array(32).fill(7) }, { reset: true }, { last: 9n }]) {
      const custom = [rotationProposal(await rotated('bob', changes))]
      expect(await world.outcome(1, moving(group, { custom }))).toBe(rotation)
    }
  })
  test('for somebody who is there, with the right epoch, roots and account', async () => {
    const group = world.groups[0]!
    const good = recordOf('bob', group.epoch + 1n)
    const custom = [rotationProposal(proof)]
    for (const bad of [
      { ...good, epoch: group.epoch },
      { ...good, newRoot: rootOf('mallory').root.ed25519 },
      { ...good, oldRoot: rootOf('carol').root.ed25519 },
      { ...good, newGeneration: 2 },
      { ...good, account: recordOf('carol', 0n).account },
    ])
      expect(await world.outcome(3, { extensions: context(group, [bad]), custom })).toBe(rotation)
    const dave = { extensions: context(group, [recordOf('dave', group.epoch + 1n)]) }
    expect(await world.outcome(3, { ...dave, custom: [rotationProposal(await rotated('dave'))] })).toBe(rotation)
    expect(await world.outcome(3, { extensions: context(group, [good, good]), custom })).toBe(rotation)
  })
})

describe('while two roots stand side by side', () => {
  let between: World
  beforeAll(async () => {
    between = await makeWorld({ members: phones, admins: ['alice'], policy: { rotationGrace: 2 } })
    await commitAll(between, 1, moving(between.groups[0]!))
  })

  test('the other device stays, commits, and moves without another record', async () => {
    expect(between.groups.map(({ epoch }) => epoch)).toEqual([2n, 2n, 2n, 2n])
    expect(await between.outcome(2, {})).toBe('accepted')
    const next = await phone('bob', 'tablet', { generation: 1 })
    expect(await between.outcome(2, { leaf: { extensions: next.leafExtensions } })).toBe('accepted')
  })
  test('nobody comes in on the old root, and nobody goes back to it', async () => {
    const watch = await phone('bob', 'watch')
    expect(await between.outcome(2, { add: [await packageOf(watch)] })).toBe(root)
    expect(await between.judge(0, await external(between, 0, watch))).toBe(root)
    expect(await between.judge(0, await external(between, 0, await phone('bob', 'watch', { generation: 1 })))).toBe(
      'accepted',
    )
    expect(await between.outcome(1, { leaf: { extensions: phones[1]!.leafExtensions } })).toBe(
      'identity_group/successor H5',
    )
  })
  test('the old root does not remove the new one; the new one removes the old', async () => {
    expect(await between.outcome(2, { remove: [1] })).toBe('identity_group/remover H7')
    expect(await between.outcome(1, { remove: [2] })).toBe('accepted')
  })
  test('the record stays while it is needed, and goes when it is not', async () => {
    const dropped = context(between.groups[0]!, [])
    expect(await between.outcome(3, { extensions: dropped })).toBe(rotation)
    expect(await between.outcome(1, { remove: [2], extensions: dropped })).toBe('accepted')
    const next = await phone('bob', 'tablet', { generation: 1 })
    expect(await between.outcome(2, { leaf: { extensions: next.leafExtensions }, extensions: dropped })).toBe(
      'accepted',
    )
  })
  test('records stay in the order of their coming, and one that goes takes no other with it', async () => {
    const group = between.groups[0]!
    const [first] = identityContextOf(group.extensions).rotations
    const second = recordOf('carol', group.epoch + 1n)
    const custom = [rotationProposal(await rotated('carol'))]
    expect(await between.outcome(3, { extensions: context(group, [second, first!]), custom })).toBe(rotation)
    expect(await between.outcome(3, { extensions: context(group, [second]), custom })).toBe(rotation)
    expect(await between.outcome(3, { extensions: context(group, [first!, second]), custom })).toBe('accepted')
    const everybody = (account: Uint8Array) => [
      { root: rootOf('bob').root.ed25519, generation: 0, leaves: account.length },
    ]
    const input = { epoch: 9n, proven: [], rootsBefore: everybody, rootsAfter: everybody }
    expect(await outcomeOf(() => checkRecords([first!, second], [first!, second], input))).toBe('accepted')
    expect(await outcomeOf(() => checkRecords([first!, second], [second, first!], input))).toBe(rotation)
  })
  test('a second heir of the old root is none', async () => {
    const group = between.groups[0]!
    const [first] = identityContextOf(group.extensions).rotations
    const second = { ...recordOf('bob', group.epoch + 1n), newRoot: rootOf('mallory').root.ed25519 }
    expect(await between.outcome(3, { extensions: context(group, [first!, second]) })).toBe(rotation)
    const again = recordOf('bob', group.epoch + 1n)
    const custom = [rotationProposal(proof)]
    expect(await between.outcome(3, { extensions: context(group, [first!, again]), custom })).toBe(rotation)
    expect(await between.outcome(3, { extensions: context(group, [{ ...first!, epoch: 9n }]) })).toBe(rotation)
  })
  test('after the grace of the policy anybody removes what stayed on the old root', async () => {
    const [judge, carol] = [between.at(0, rulesAlone()), between.at(3, lawless)]
    const remove = async () => {
      const { commit } = await carol.commit({ remove: [2], wireFormat: 'mls_public_message' })
      carol.discard()
      return outcomeOf(() => judge.stage(commit))
    }
    // recorded in epoch 2, grace of 2: epochs 3 and 4 leave it in peace
    for (const epoch of [2n, 3n]) {
      expect(judge.epoch).toBe(epoch)
      expect(await remove()).toBe('identity_group/remover H7')
      const { commit, staged } = await carol.commit({ wireFormat: 'mls_public_message' })
      carol.merge(staged)
      await judge.receive(commit)
    }
    expect(await remove()).toBe('accepted')
  })
  test('a newcomer who sees only the tree and the context finds nothing wrong', async () => {
    const dave = await phone('dave')
    const keyPackage = await packageOf(dave)
    const group = between.at(0)
    const { staged } = await group.commit({ add: [keyPackage] })
    const { joinGroup } = await import('../../../src/index.ts')
    const welcome = group.merge(staged).welcome!
    expect(
      await outcomeOf(async () => {
        await joinGroup({ suite, keyPackage, welcome, options: rulesAlone() })
      }),
    ).toBe('accepted')
  })
})

test('a proposal rests on the record of the same commit', async () => {
  const group = world.at(1, lawless)
  const { proposal } = await group.propose({
    update: { extensions: withCertificate([], moved.cert) },
    wireFormat: 'mls_public_message',
  })
  // an honest committer leaves it out, for it has no record; with one it goes in
  const alone = world.at(0, rulesAlone())
  await alone.receive(proposal)
  expect((await alone.commit()).staged.changes.updated).toEqual([])
  const recording = world.at(0, rulesAlone())
  await recording.receive(proposal)
  const { staged } = await recording.commit({ ...moving(recording), leaf: undefined as never })
  expect(staged.changes.updated).toHaveLength(1)
})

test('certificates of the new root do not count for the old one', async () => {
  const cert = await certify((await person('bob', 1))!, phones[1]!.entry)
  expect(await world.outcome(1, { leaf: { extensions: withCertificate([], cert) } })).toBe(root)
})
