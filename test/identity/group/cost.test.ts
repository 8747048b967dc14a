/** What the rules cost: changed leaves on the way of a commit, one batch of signatures for a group, nothing the second time. */
import { describe, expect, test } from 'vitest'
import { encode } from '../../../src/codec/codec.ts'
import type { CipherSuite, VerifyRequest } from '../../../src/crypto/cipher-suite.ts'
import { DeviceCert } from '../../../src/identity/device-cert.ts'
import { CertificateCache } from '../../../src/identity/group-certificates.ts'
import { identityGroupRules } from '../../../src/identity/group-rules.ts'
import type { GroupRules, RuleGroup, RuleTree } from '../../../src/index.ts'
import { signLeafNode } from '../../../src/signed/leaf-node.ts'
import type { EncodedLeafNode } from '../../../src/wire/leaf-node.ts'
import { capabilities, contextOf, outcomeOf, type Phone, phone, suite } from './support.ts'

/** Suite 1 that counts what is verified. */
function counting() {
  const batches: number[] = []
  const single = { count: 0 }
  const proxy = new Proxy(suite, {
    get(target, name) {
      if (name === 'verifyMany')
        return (requests: readonly VerifyRequest[]) => {
          batches.push(requests.length)
          return target.verifyMany(requests)
        }
      if (name === 'verify')
        return (...request: Parameters<CipherSuite['verify']>) => {
          single.count++
          return target.verify(...request)
        }
      const value = Reflect.get(target, name) as unknown
      return typeof value === 'function' ? (value.bind(target) as unknown) : value
    },
  })
  return { suite: proxy as CipherSuite, batches, single }
}

async function leafOf({ identity, leafExtensions }: Phone): Promise<EncodedLeafNode> {
  const { publicKey } = await suite.deriveKeyPair(suite.randomBytes(32))
  return signLeafNode(
    identity.signer,
    {
      encryptionKey: publicKey,
      signatureKey: identity.signer.publicKey,
      credential: identity.credential,
      capabilities,
      leafNodeSource: 'commit',
      parentHash: new Uint8Array(0),
      extensions: leafExtensions,
    },
    { groupId: new Uint8Array(1), leafIndex: 0 },
  )
}

/** A tree that counts who looks at it. */
function watched(leaves: readonly EncodedLeafNode[]): RuleTree & { looks: number; scans: number } {
  return {
    looks: 0,
    scans: 0,
    memberCount: leaves.length,
    leaf(index) {
      this.looks++
      return leaves[index]
    },
    *members() {
      this.scans++
      for (const [index, leaf] of leaves.entries()) yield [index, leaf] as const
    },
  }
}

const group = (tree: RuleTree, epoch: bigint): RuleGroup => ({
  groupId: new Uint8Array(1),
  epoch,
  extensions,
  tree,
})
const extensions = contextOf({ admins: ['user0'] })
const phones = await Promise.all(Array.from({ length: 400 }, (_, i) => phone(`user${i}`)))
const leaves = await Promise.all(phones.map(leafOf))

async function step(rules: GroupRules, before: RuleTree, after: RuleTree, committer: number): Promise<void> {
  await rules.checkTransition({
    before: group(before, 1n),
    after: group(after, 2n),
    committer,
    external: false,
    path: true,
    changed: [committer],
    added: [],
    removed: [],
    updated: [],
    extensionsBy: undefined,
    reinit: undefined,
    custom: [],
  })
}

describe('a commit', () => {
  test('looks at the leaves that it changes, however large the group is', async () => {
    const looks: number[] = []
    for (const size of [10, 400]) {
      const rules = identityGroupRules({ suite })
      const before = watched(leaves.slice(0, size))
      await rules.checkGroup(group(before, 1n))
      expect([before.looks, before.scans]).toEqual([0, 1])
      const after = watched(leaves.slice(0, size))
      await step(rules, before, after, 3)
      expect([before.scans, after.scans]).toEqual([1, 0])
      // and the next commit finds the index of this one
      const next = watched(leaves.slice(0, size))
      await step(rules, after, next, 4)
      expect([after.scans, next.scans]).toEqual([0, 0])
      looks.push(before.looks + after.looks + next.looks)
    }
    expect(looks[0]).toBe(looks[1])
    expect(looks[0]).toBeLessThanOrEqual(8)
  })
})

describe('certificates', () => {
  test('of a group in one batch: one signature a leaf, one more for each OPS key', async () => {
    const { suite: counted, batches } = counting()
    const certificates = new CertificateCache(counted)
    const rules = identityGroupRules({ suite: counted, certificates })
    await rules.checkGroup(group(watched(leaves.slice(0, 100)), 1n))
    expect(batches).toEqual([200])
    // another group with the same people
    const other = identityGroupRules({ suite: counted, certificates })
    await other.checkGroup(group(watched(leaves.slice(50, 110)), 1n))
    expect(batches).toEqual([200, 20])
  })
  test('of many devices of one account share the signature over OPS', async () => {
    const { suite: counted, batches } = counting()
    const own = await Promise.all(['a', 'b', 'c', 'd'].map((name) => phone('user0', name)))
    const tree = watched(await Promise.all(own.map(leafOf)))
    await identityGroupRules({ suite: counted }).checkGroup(group(tree, 1n))
    expect(batches).toEqual([5])
  })
  test('of one leaf at a time are verified once, with those of groups, and what is wrong every time', async () => {
    const { suite: counted, single } = counting()
    const certificates = new CertificateCache(counted)
    const subjectOf = ({ of, entry }: Phone) => ({
      account: of.account,
      deviceId: entry.deviceId,
      leafKey: entry.leafKeys[0]!,
    })
    const [one, two] = [phones[0]!, phones[1]!]
    for (let i = 0; i < 3; i++)
      expect(certificates.verified(subjectOf(one), encode(DeviceCert, one.cert))).toEqual(one.cert)
    expect(single.count).toBe(2)
    await identityGroupRules({ suite: counted, certificates }).checkGroup(group(watched(leaves.slice(0, 2)), 1n))
    certificates.verified(subjectOf(two), encode(DeviceCert, two.cert))
    expect(single.count).toBe(2)
    for (let i = 1; i <= 2; i++) {
      expect(() => certificates.verified(subjectOf(one), encode(DeviceCert, two.cert))).toThrow()
      expect(single.count).toBe(2 + i)
    }
  })
  test('a cache is bounded, and a small one is right', async () => {
    const certificates = new CertificateCache(suite, 3)
    const rules = identityGroupRules({ suite, certificates })
    for (let i = 0; i < 3; i++) await rules.checkGroup(group(watched(leaves.slice(0, 20)), 1n))
    expect(certificates.size).toBe(3)
  })
  test('what is wrong is never remembered, and nothing beside it', async () => {
    const certificates = new CertificateCache(suite)
    const rules = identityGroupRules({ suite, certificates })
    const bad = await leafOf(await phone('user9', 'phone', { cert: phones[8]!.cert }))
    for (let i = 0; i < 2; i++)
      expect(await outcomeOf(() => rules.checkGroup(group(watched([leaves[0]!, bad]), 1n)))).toBe(
        'identity_group/certificate H2',
      )
    expect(certificates.size).toBe(0)
    await rules.checkGroup(group(watched([leaves[0]!]), 1n))
    expect(certificates.size).toBe(2)
  })
})

test('a long check can be ended, and lets others work', async () => {
  const rules = identityGroupRules({ suite })
  const controller = new AbortController()
  let pauses = 0
  const pause = async () => {
    pauses++
    controller.abort()
  }
  const options = { pause, signal: controller.signal }
  expect(await outcomeOf(() => rules.checkGroup(group(watched(leaves.slice(0, 5)), 1n), options))).toBe(
    'operation/aborted',
  )
  expect(pauses).toBe(1)
})
