/** H7: whoever has no right to remove needs evidence in the same commit. */
import { beforeAll, describe, expect, test } from 'vitest'
import { stateRootCompromised } from '../../../src/identity/evidence.ts'
import { evidenceProposal, type RemovalEvidence, type RotationProof } from '../../../src/identity/group-evidence.ts'
import { type ManifestTbs, signManifest, type VerifiedManifest } from '../../../src/identity/manifest.ts'
import { signRotation } from '../../../src/identity/rotation.ts'
import { contentOf, device, person, revocation, rootOf } from '../fixture.ts'
import { lawless, makeWorld, outcomeOf, type Phone, phone, rulesAlone, suite, type World } from './support.ts'

const remover = 'identity_group/remover H7'
const invalid = 'identity_group/evidence H7'
let phones: Phone[]
let world: World
beforeAll(async () => {
  phones = [await phone('alice'), await phone('bob'), await phone('bob', 'tablet'), await phone('carol')]
  world = await makeWorld({ members: phones, admins: ['alice'] })
})

async function manifest(name: string, changes: Partial<ManifestTbs>, generation = 0): Promise<VerifiedManifest> {
  const of = await person(name, generation)
  return signManifest(suite, of.byOps, contentOf(of, { devices: [device(name, 'tablet')], ...changes }))
}
/** A manifest of bob that revokes the phone. */
const revoking = (changes: Partial<ManifestTbs> = {}) =>
  manifest('bob', { revoked: [revocation(phones[1]!.entry)], ...changes })
/** Carol removes a leaf with evidence. */
const remove = (leaf: number, evidence: RemovalEvidence, more: readonly RemovalEvidence[] = []) =>
  world.outcome(3, { remove: [leaf], custom: [...more, evidence].map(evidenceProposal) })
const revoked = (one: VerifiedManifest, rotations: readonly RotationProof[] = []): RemovalEvidence => ({
  kind: 'revoked',
  manifest: one.bytes,
  rotations,
})

describe('a revocation', () => {
  test('of this key of this device of this account', async () => {
    expect(await remove(1, revoked(await revoking()))).toBe('accepted')
    expect(await remove(2, revoked(await revoking()))).toBe(remover)
    const bent = (entry: ReturnType<typeof revocation>) => manifest('bob', { revoked: [entry] })
    expect(
      await remove(1, revoked(await bent({ ...revocation(phones[1]!.entry), leafKeyHash: new Uint8Array(32) }))),
    ).toBe(remover)
    expect(
      await remove(1, revoked(await bent({ ...revocation(phones[1]!.entry), deviceId: phones[3]!.entry.deviceId }))),
    ).toBe(remover)
    expect(await remove(1, revoked(await manifest('carol', { revoked: [revocation(phones[1]!.entry)] })))).toBe(remover)
  })
  test('that nobody signed', async () => {
    const { bytes } = await revoking()
    const bent = Uint8Array.from(bytes)
    bent[bent.length - 1]! ^= 1
    expect(await remove(1, { kind: 'revoked', manifest: bent, rotations: [] })).toBe(invalid)
  })
  test('by another root of the same account, unless rotations lead there', async () => {
    const next = await revoking()
    const newer = await manifest('bob', { revoked: [revocation(phones[1]!.entry)], seq: 1n, prevHash: next.hash }, 1)
    expect(await remove(1, revoked(newer))).toBe(remover)
    const old = await person('bob')
    const statement = await signRotation(
      suite,
      { old: old.root, next: rootOf('bob', 1) },
      {
        account: old.account,
        oldGeneration: 0,
        oldRootHash: next.rootHash,
        newGeneration: 1,
        lastSeq: next.seq,
        lastHash: next.hash,
      },
    )
    expect(await remove(1, revoked(newer, [{ lastManifest: next.bytes, statement }]))).toBe('accepted')
    const foreign = await manifest('bob', { revoked: [revocation(phones[1]!.entry)], seq: 1n, prevHash: next.hash }, 2)
    expect(await remove(1, revoked(foreign, [{ lastManifest: next.bytes, statement }]))).toBe(invalid)
  })
  test('evidence for one leaf is none for another in the same commit', async () => {
    const custom = [evidenceProposal(revoked(await revoking()))]
    expect(await world.outcome(3, { remove: [1, 2], custom })).toBe(remover)
    expect(await world.outcome(0, { remove: [1, 2], custom })).toBe('accepted')
  })
  test('no evidence is valid beside some that is not', async () => {
    const broken: RemovalEvidence = { kind: 'revoked', manifest: new Uint8Array([1]), rotations: [] }
    expect(await remove(1, revoked(await revoking()), [broken])).toBe(invalid)
  })
})

describe('two lists that contradict one another', () => {
  const list = (...names: readonly string[]) =>
    manifest('bob', {
      devices: names.map((name) => device('bob', name)),
      expiresAt: 1_800_100_000n + BigInt(names.length),
    })
  const conflict = (first: VerifiedManifest, second: VerifiedManifest): RemovalEvidence => ({
    kind: 'conflict',
    first: first.bytes,
    second: second.bytes,
  })
  test('a device that stands in one of them alone', async () => {
    const [a, b] = [await list('tablet'), await list('tablet', 'phone')]
    expect(await remove(1, conflict(a, b))).toBe('accepted')
    expect(await remove(1, conflict(b, a))).toBe('accepted')
    expect(await remove(2, conflict(a, b))).toBe(remover)
  })
  test('that no honest devices make: every device on that root', async () => {
    const a = await list('tablet', 'phone')
    const other = await list('tablet')
    // two lines of the chain: the second names another past
    const next = (prevHash: Uint8Array, expiresAt: bigint) =>
      manifest('bob', {
        devices: ['tablet', 'phone'].map((name) => device('bob', name)),
        seq: 1n,
        prevHash: Uint8Array.from(prevHash),
        expiresAt,
      })
    const [b, c] = [await next(a.hash, 1_800_100_005n), await next(other.hash, 1_800_100_006n)]
    for (const leaf of [1, 2]) expect(await remove(leaf, conflict(b, c))).toBe('accepted')
    expect(await remove(0, conflict(b, c))).toBe(remover)
    // the same with one past is a race: both list both devices
    const d = await next(a.hash, 1_800_100_007n)
    for (const leaf of [1, 2]) expect(await remove(leaf, conflict(b, d))).toBe(remover)
  })
  test('no contradiction', async () => {
    const a = await list('tablet', 'phone')
    const retired = await manifest('bob', {
      seq: 1n,
      prevHash: a.hash,
      revoked: [revocation(phones[1]!.entry, { reason: 'retired', effectiveSeq: 1n })],
    })
    expect(await remove(1, conflict(a, a))).toBe(invalid)
    expect(await remove(1, conflict(a, retired))).toBe(invalid)
    expect(await remove(1, conflict(a, await manifest('carol', {})))).toBe(invalid)
    expect(await remove(1, conflict(a, await manifest('bob', {}, 1)))).toBe(invalid)
  })
})

test('a root that says that it is in other hands', async () => {
  const state = async (name: string, generation = 0): Promise<RemovalEvidence> => {
    const { account } = await person(name)
    const statement = await stateRootCompromised(rootOf(name, generation), {
      account,
      generation,
      statedAt: 1_800_000_000n,
    })
    return { kind: 'root_compromised', statement }
  }
  for (const leaf of [1, 2]) expect(await remove(leaf, await state('bob'))).toBe('accepted')
  expect(await remove(0, await state('bob'))).toBe(remover)
  expect(await remove(1, await state('bob', 1))).toBe(remover)
  const good = await state('bob')
  if (good.kind !== 'root_compromised') throw new Error(good.kind)
  const bent: RemovalEvidence = { ...good, statement: { ...good.statement, statedAt: 7n } }
  expect(await remove(1, bent)).toBe(invalid)
})

test('evidence and Remove as proposals of one, committed by another', async () => {
  const carol = world.at(3, lawless)
  const custom = evidenceProposal(revoked(await revoking()))
  const wireFormat = 'mls_public_message'
  const proposals = [
    (await carol.propose({ remove: 1, wireFormat })).proposal,
    (await carol.propose({ custom, wireFormat })).proposal,
  ]
  const [committer, judge] = [world.at(2, rulesAlone()), world.at(0, rulesAlone())]
  for (const one of proposals) for (const group of [committer, judge]) await group.receive(one)
  const { commit, staged } = await committer.commit({ wireFormat })
  expect(staged.changes.removed.map(({ leafIndex }) => leafIndex)).toEqual([1])
  expect(await outcomeOf(() => judge.receive(commit))).toBe('accepted')
})

test('an honest committer leaves out what the rules forbid, and so is not held up', async () => {
  const carol = world.at(3, lawless)
  const wireFormat = 'mls_public_message'
  const ghost = await phone('bob', 'ghost', { generation: 1 })
  const naked = await phone('dave', 'phone', { cert: undefined })
  const { packageOf } = await import('./support.ts')
  const proposals = [
    (await carol.propose({ remove: 1, wireFormat })).proposal,
    (await carol.propose({ add: await packageOf(ghost), wireFormat })).proposal,
    (await carol.propose({ add: await packageOf(naked), wireFormat })).proposal,
    (await carol.propose({ update: { extensions: [] }, wireFormat })).proposal,
    (await carol.propose({ extensions: [], wireFormat })).proposal,
    (await carol.propose({ add: await packageOf(await phone('erin')), wireFormat })).proposal,
  ]
  const [committer, judge] = [world.at(0, rulesAlone()), world.at(2, rulesAlone())]
  for (const one of proposals) for (const group of [committer, judge]) await group.receive(one)
  const { commit, staged } = await committer.commit({ wireFormat })
  expect(staged.changes).toMatchObject({ removed: [], updated: [], extensions: undefined })
  expect(staged.changes.added).toHaveLength(1)
  expect(await outcomeOf(() => judge.receive(commit))).toBe('accepted')
})
