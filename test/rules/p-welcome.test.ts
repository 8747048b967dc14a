/** Group P: Welcome and GroupInfo (RFC 9420 §12.4.3, §12.4.3.1), by a malicious inviter; PSKs of group J on joining. */
import { beforeAll, describe, expect, test } from 'vitest'
import { equalBytes } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { signContent } from '../../src/crypto/labels.ts'
import { joinGroup } from '../../src/index.ts'
import { GroupInfoTbs } from '../../src/wire/group-info.ts'
import type { PreSharedKeyId } from '../../src/wire/psk.ts'
import type { Welcome } from '../../src/wire/welcome.ts'
import { forgeWelcome } from '../support/forge-welcome.ts'
import { expectJoinRejected, type JoinWorld, joinCases, makeJoinWorld } from '../support/join-cases.ts'
import { externalPsk, requiredCapabilities, unknownExtension } from '../support/values.ts'
import { flip, newcomer, outcomeOf, suite } from '../support/world.ts'

const key = (id: number) => new Uint8Array(32).fill(id)
const options = { psks: { externalPsk: (id: Uint8Array) => (id[0]! < 10 ? key(id[0]!) : undefined) } }
const psk = (id: PreSharedKeyId) => (id.psktype === 'external' ? key(id.pskId[0]!) : key(99))

// leaf 0 adds leaf 3; leaf 1 is blank
let all: JoinWorld
beforeAll(async () => {
  all = await makeJoinWorld({ members: 4, commits: [2], removed: 1, options, capabilities: { extensions: [0xf00d] } })
})
const join = joinCases(() => all)

describe('entries', () => {
  const entry = (change: (secrets: Welcome['secrets']) => Welcome['secrets']) => ({
    welcome: (welcome: Welcome) => ({ ...welcome, secrets: change(welcome.secrets) }),
  })
  join(
    'V302 no entry',
    'V302',
    entry(() => []),
  )
  join(
    'V302 V046 a reference that is not ours, longer or shorter',
    'V302',
    entry(([one]) => [
      { ...one!, newMember: one!.newMember.slice(1) },
      { ...one!, newMember: flip(one!.newMember) },
    ]),
  )
  join(
    'V303 two entries, the first is garbage',
    'V303',
    entry(([one]) => [{ ...one!, encryptedGroupSecrets: { kemOutput: key(1), ciphertext: key(2) } }, one!]),
  )
  join('V304 another suite outside', 'V304', { welcome: (welcome) => ({ ...welcome, cipherSuite: 3 }) })
  join('V307 a flipped encrypted_group_info', 'V307', {
    welcome: (welcome) => ({ ...welcome, encryptedGroupInfo: flip(welcome.encryptedGroupInfo) }),
  })
  join('V308 a GroupInfo that the secrets are bound to and that does not decrypt', 'V308', {
    encryptedGroupInfo: (bytes) => flip(bytes),
  })
  join('V308 V043 a GroupInfo without its AEAD tag', 'V308', { encryptedGroupInfo: (bytes) => bytes.slice(0, -16) })
  join('V041 group secrets under the label of a path', 'V307', { label: 'UpdatePathNode' })
  join('V010 a byte after the group secrets', 'V010', { secretsBytes: (bytes) => new Uint8Array([...bytes, 0]) })
  join('V010 a byte after the GroupInfo', 'V010', { groupInfoBytes: (bytes) => new Uint8Array([...bytes, 0]) })
  for (const octet of [2, 3, 255])
    join(`V001 the presence octet ${octet} of path_secret`, 'V001', {
      secretsBytes: (bytes) => {
        const copy = bytes.slice()
        copy[33] = octet
        return copy
      },
    })
})

describe('the GroupInfo', () => {
  join('V305 another suite inside', 'V305', { context: (context) => ({ ...context, cipherSuite: 3 }) })
  join('V306 another version', 'V306', { context: (context) => ({ ...context, version: 2 }) })
  join('V309 a signer whose leaf is outside the tree', 'V309', { signerLeaf: 4 })
  join('V309 V026 a signer far outside the tree', 'V309', { signerLeaf: 2 ** 32 - 1 })
  join('V309 the newcomer is the signer', 'V309', () => ({ signerLeaf: 1, signer: all.bundle.signer }))
  join('V310 a flipped signature', 'V310', { groupInfo: (info) => ({ ...info, signature: flip(info.signature) }) })
  join('V310 signed by another member', 'V310', () => ({ signer: all.world.identities[2]!.signer }))
  join('V310 V040 signed under the label of a leaf', 'V310', () => {
    const signer = all.world.identities[0]!.signer
    return {
      signer: {
        publicKey: signer.publicKey,
        sign: (message) => signer.sign(signContent('LeafNodeTBS', message)),
      },
      groupInfo: (info) => ({ ...info, confirmationTag: encode(GroupInfoTbs, info).slice(0, 32) }),
    }
  })
  join('V314 two ratchet_tree', 'V314', { extensions: ([tree]) => [tree!, tree!] })
  join('V315 unknown and GREASE extensions of a GroupInfo are passed over', undefined, {
    extensions: (list) => [unknownExtension, ...list, { ...unknownExtension, extensionType: 0x0a0a }],
  })
  join('V316 a flipped confirmation tag', 'V316', { tag: (tag) => flip(tag) })
  join('V316 a confirmation tag that is cut', 'V316', { tag: (tag) => tag.slice(1) })
  join('V316 an empty confirmation tag', 'V316', { tag: () => new Uint8Array(0) })
  join('V196 another transcript, signed again', 'V316', {
    sentContext: (context) => ({ ...context, confirmedTranscriptHash: flip(context.confirmedTranscriptHash) }),
  })
  join('V316 another epoch, signed again', 'V316', {
    sentContext: (context) => ({ ...context, epoch: context.epoch + 1n }),
  })
})

describe('extensions of the group', () => {
  const extensions = (...list: (typeof unknownExtension)[]) => ({
    context: <T extends object>(context: T) => ({ ...context, extensions: list }),
  })
  const required = requiredCapabilities({ extensionTypes: [0xf0bb] })
  join(
    'V312 V299 an extension that we do not support',
    'V119',
    extensions({ ...unknownExtension, extensionType: 0xf0bb }),
  )
  join('V313 V340 a GREASE extension', 'V234', extensions({ ...unknownExtension, extensionType: 0x0a0a }))
  join('V320 a requirement that we do not meet', 'V116', extensions(required))
  join('V338 an extension twice', 'V338', extensions(unknownExtension, unknownExtension))
  join('V339 an extension that belongs elsewhere', 'V235', extensions({ ...unknownExtension, extensionType: 4 }))
  join('V312 an extension that all support', undefined, extensions(unknownExtension))
})

describe('path secrets', () => {
  join('V317 another path secret', 'V317', { pathSecret: () => key(5) })
  join('V318 another key only at the root', 'V318', {
    // our leaf is below node 1: a path secret for it, and the root above
    tree: async (tree) => {
      const { publicKey } = await suite.deriveKeyPair(key(7))
      tree.setParent(3, { encryptionKey: publicKey })
      await tree.commitPath(0)
    },
  })
  for (const length of [0, 31, 33])
    join(`V319 a path secret of ${length} bytes`, 'V319', { pathSecret: () => new Uint8Array(length) })
})

describe('PSKs', () => {
  const psks = [externalPsk(1), externalPsk(2)]
  join(
    'V206 the PSKs in another order than in the commit',
    'V308',
    { psks, psk, secretPsks: [...psks].reverse() },
    { options },
  )
  join('V206 the PSKs in the order of the commit', undefined, { psks, psk }, { options })
  join('V207 V201 a PSK that we do not have', 'V201', { psks: [externalPsk(50)] }, { options })
  join('V207 V202 a resumption PSK that we do not have', 'V202', () => ({ psks: [resumption('application')] }), {
    options,
  })
  join(
    'V208 R03 more PSKs than the bound',
    'R03',
    { secretPsks: Array.from({ length: 17 }, (_, i) => externalPsk(i)) },
    { options },
  )
  join('V205 two PSKs that begin a group', 'V205', () => ({ psks: [resumption('reinit'), resumption('branch')] }))
  join('V205 twice reinit', 'V205', () => ({ psks: [resumption('reinit'), resumption('reinit')] }))
  join('V332 a PSK of a group that was not named', 'V332', () => ({ psks: [resumption('reinit')] }))
  const resumption = (usage: 'application' | 'reinit' | 'branch'): PreSharedKeyId => ({
    psktype: 'resumption',
    usage,
    pskGroupId: key(1),
    pskEpoch: 1n,
    pskNonce: key(2),
  })
})

test('V311 a group that we are in is not replaced', async () => {
  const { groupId } = all.world.state(0).current.context
  const isKnownGroup = (id: Uint8Array) => equalBytes(id, groupId)
  await expectJoinRejected(all, 'V311', {}, { isKnownGroup })
})
test('V141 V139 after any failure the same KeyPackage joins; nothing of it was used up', async () => {
  const before = all.bundle.initKeyPair.privateKey.slice()
  await expectJoinRejected(all, 'V316', { tag: (tag) => flip(tag) })
  expect(equalBytes(all.bundle.initKeyPair.privateKey, before)).toBe(true)
})
test('V302 a Welcome to a KeyPackage that was deleted', async () => {
  const other = await newcomer(all.world)
  const welcome = await forgeWelcome(all.world, 0, all.bundle)
  expect(await outcomeOf(() => joinGroup({ suite, keyPackage: other, welcome }))).toBe('V302')
})
