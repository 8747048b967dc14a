/** Groups D and K at a live group: framing (RFC 9420 §6) and the secret tree over epochs (§9, §15.3). */
import { beforeAll, describe, expect, test } from 'vitest'
import { ascii, equalBytes } from '../../src/bytes/bytes.ts'
import { stageCommit } from '../../src/commit/stage-commit.ts'
import { makeConfig } from '../../src/group/defaults.ts'
import { decodeSnapshot } from '../../src/group/snapshot.ts'
import { basicAuthentication, decodeMlsMessage, encodeMlsMessage, systemClock } from '../../src/index.ts'
import { ProposalCache } from '../../src/proposals/proposal-cache.ts'
import type { VerifiedContent } from '../../src/signed/framed-content.ts'
import type { FramedContent } from '../../src/wire/framed-content.ts'
import type { SentForgery } from '../support/forge.ts'
import { forgeCommit, forgeProposal } from '../support/forge.ts'
import { externalInit, remove } from '../support/values.ts'
import {
  bothFormats,
  expectAccepted,
  expectRejected,
  flip,
  makeWorld,
  newcomer,
  outcomeOf,
  suite,
  type World,
} from '../support/world.ts'

let world: World
beforeAll(async () => {
  world = await makeWorld({ members: 4, commits: [1], removed: 2 })
})
const text = (value: Uint8Array | undefined) => String.fromCharCode(...(value ?? []))

describe('which group, which epoch', () => {
  bothFormats('V061 a message of another group, also with a prefix of our id', async (format) => {
    const { groupId } = world.state(0).current.context
    for (const other of [ascii('other'), groupId.slice(1), new Uint8Array([...groupId, 0]), new Uint8Array(0)]) {
      const content = <T extends object>(all: T) => ({ ...all, groupId: other })
      await expectRejected(world, 0, await forgeCommit(world, 1, { format, content }), 'V061')
    }
  })
  test('V062 a message of a later epoch is not applied', async () => {
    const ahead = world.restore(1)
    ahead.merge((await ahead.commit()).staged)
    const message = ahead.protect(ascii('later'))
    const { commit } = await ahead.commit()
    const group = world.restore(0)
    const before = group.snapshot()
    for (const early of [message, commit]) expect((await group.receive(early)).kind).toBe('future-epoch')
    expect(equalBytes(group.snapshot(), before)).toBe(true)
  })
  bothFormats('V063 a commit and a proposal of the epoch before', async (format) => {
    const proposal = (await forgeProposal(world, 1, remove(3), { format })).message
    const commit = await forgeCommit(world, 1, { format })
    const group = await expectAccepted(world, 0, await forgeCommit(world, 3))
    const before = group.snapshot()
    for (const late of [proposal, commit]) expect((await group.receive(late)).kind).toBe('past-epoch')
    expect(equalBytes(group.snapshot(), before)).toBe(true)
  })
})

describe('senders', () => {
  test('V064 a blank leaf', async () =>
    expectRejected(world, 0, await forgeCommit(world, 1, { sender: { senderType: 'member', leafIndex: 2 } }), 'V064'))
  test('V068 V287 staging refuses a commit by an external sender, whatever the framing let pass', async () => {
    const { current: epoch, config } = world.state(0)
    const { groupId, epoch: number } = epoch.context
    const content: FramedContent = {
      groupId,
      epoch: number,
      sender: { senderType: 'external', senderIndex: 0 },
      authenticatedData: new Uint8Array(0),
      contentType: 'commit',
      commit: { proposals: [], path: undefined },
    }
    const tag = new Uint8Array(32)
    const signed = {
      wireFormat: 'mls_public_message',
      content,
      auth: { signature: tag, confirmationTag: tag },
    } as VerifiedContent
    const input = {
      epoch,
      config,
      cache: ProposalCache.empty,
      content: signed,
      messageHash: tag,
      lookup: async () => undefined,
    }
    expect(await outcomeOf(() => stageCommit(input))).toBe('V068')
    const sender = { senderType: 'new_member_commit' } as const
    const commit = { proposals: [{ type: 'proposal' as const, proposal: externalInit }], path: undefined }
    const external = { ...signed, content: { ...content, sender, commit } } as typeof signed
    expect(await outcomeOf(() => stageCommit({ ...input, content: external }))).toBe('V287')
  })
  test('V092 a blank leaf in sender data', async () => {
    const sender = { senderType: 'member', leafIndex: 2 } as const
    await expectRejected(world, 0, await forgeCommit(world, 1, { sender, format: 'mls_private_message' }), 'V092')
  })
  test('V075 V097 a PrivateMessage cannot have a newcomer as its sender', async () => {
    const format = 'mls_private_message'
    await expectRejected(world, 0, await forgeCommit(world, 1, { format, proposals: [externalInit] }), 'V252')
  })
  bothFormats('V080 V082 signed by another member, or over the context of another epoch', async (format) => {
    const { signer } = world.identities[3]!
    await expectRejected(world, 0, await forgeCommit(world, 1, { format, signer }), 'V080')
    await expectRejected(world, 0, await forgeCommit(world, 1, { format, signedContext: new Uint8Array(0) }), 'V080')
  })
  bothFormats('V040 V081 signed for the other wire format', async (format) => {
    const signedFormat = format === 'mls_public_message' ? 'mls_private_message' : 'mls_public_message'
    await expectRejected(world, 0, await forgeCommit(world, 1, { format, signedFormat }), 'V080')
  })
  test('V093 V271 own messages that come back', async () => {
    const group = world.restore(0)
    const message = group.protect(ascii('hello'))
    const before = group.snapshot()
    expect((await group.receive(message)).kind).toBe('own-message')
    expect(equalBytes(group.snapshot(), before)).toBe(true)
    const { proposal } = await group.propose({ remove: 3, wireFormat: 'mls_public_message' })
    expect((await group.receive(proposal)).kind).toBe('own-message')
  })
  test('V096 handshakes in a format that the group does not use', async () => {
    for (const [accepted, sent] of [
      ['mls_private_message', 'mls_public_message'],
      ['mls_public_message', 'mls_private_message'],
    ] as const) {
      const strict = { ...world, restore: (i: number) => world.restore(i, { acceptHandshakes: [accepted] }) }
      await expectRejected(strict, 0, await forgeCommit(world, 1, { format: sent }), 'V096')
      await expectAccepted(strict, 0, await forgeCommit(world, 1, { format: accepted }))
    }
  })
})

describe('membership tags and AEAD', () => {
  test('V078 V079 V076 a tag that is flipped, of another length, or missing', async () => {
    const message = decodeMlsMessage(await forgeCommit(world, 1))
    if (message.wireFormat !== 'mls_public_message') throw new Error('no public message')
    const tag = message.publicMessage.membershipTag!
    for (const [bent, rule] of [
      [flip(tag), 'V078'],
      [tag.slice(1), 'V079'],
      [new Uint8Array([...tag, 0]), 'V079'],
      [new Uint8Array(0), 'V079'],
    ] as const) {
      const bytes = encodeMlsMessage({ ...message, publicMessage: { ...message.publicMessage, membershipTag: bent } })
      await expectRejected(world, 0, bytes, rule)
    }
  })
  test('V089 V043 a failed decryption burns nothing: the genuine message decrypts afterwards', async () => {
    const genuine = world.genuine(0)
    const group = world.restore(0)
    const before = group.snapshot()
    for (const bent of [flip(genuine, -1), flip(genuine, -40)])
      expect(await outcomeOf(() => group.receive(bent))).toBe('crypto/decrypt')
    expect(equalBytes(group.snapshot(), before)).toBe(true)
    expect((await group.receive(genuine)).kind).toBe('message')
  })
})

describe('generations and epochs', () => {
  test('V211 a message twice', async () => {
    const group = world.restore(0)
    const sender = world.restore(1)
    const [one, two] = [sender.protect(ascii('one')), sender.protect(ascii('two'))]
    expect((await group.receive(one)).kind).toBe('message')
    const before = group.snapshot()
    expect((await group.receive(one)).kind).toBe('duplicate')
    expect(equalBytes(group.snapshot(), before)).toBe(true)
    expect((await group.receive(two)).kind).toBe('message')
  })
  test('V217 R08 a message of an epoch that is no longer kept', async () => {
    const limits = { pastEpochs: 2 }
    const [group, sender] = [world.restore(0, { limits }), world.restore(1)]
    const old = [sender.protect(ascii('a')), sender.protect(ascii('b'))]
    for (let i = 0; i < 3; i++) {
      expect((await group.receive(old[i === 2 ? 1 : 0]!)).kind).toBe(
        i === 0 ? 'message' : i === 1 ? 'duplicate' : 'message',
      )
      const { commit, staged } = await sender.commit()
      sender.merge(staged)
      await group.receive(commit)
    }
    expect((await group.receive(old[0]!)).kind).toBe('past-epoch')
  })
  test('V217 R08 nor after its time', async () => {
    let now = Date.now()
    const group = world.restore(0, { clock: { now: () => now }, limits: { pastEpochMilliseconds: 1000 } })
    const sender = world.restore(1)
    const messages = [sender.protect(ascii('a')), sender.protect(ascii('b'))]
    await group.receive((await sender.commit()).commit)
    now += 1000
    expect((await group.receive(messages[0]!)).kind).toBe('message')
    now += 1
    expect((await group.receive(messages[1]!)).kind).toBe('past-epoch')
  })
  test('V218 the sender of a past epoch is a member of that epoch', async () => {
    const [group, carolsSlot, sender] = [world.restore(0), await newcomer(world), world.restore(3)]
    const late = sender.protect(ascii('before'))
    const proposals = [remove(3), { proposalType: 'add' as const, keyPackage: carolsSlot.keyPackage }]
    await group.receive(await forgeCommit(world, 1, { proposals }))
    const result = await group.receive(late)
    expect(result.kind).toBe('message')
    if (result.kind !== 'message') return
    expect(text(result.data)).toBe('before')
    const { credential } = result.sender
    expect(credential.credentialType === 'basic' ? text(credential.identity) : '').toBe('dave')
    expect(result.sender.leafIndex).toBe(3)
  })
  test('V216 the secrets of the epoch before are gone, from memory and from the snapshot', async () => {
    const group = world.restore(0)
    const snapshot = group.snapshot()
    const config = makeConfig(
      {},
      { authentication: basicAuthentication(), psks: { externalPsk: () => undefined }, clock: systemClock },
    )
    const { current } = decodeSnapshot(snapshot, { suite, config, signer: () => world.identities[0]!.signer })
    const { initSecret, confirmationKey, membershipKey, externalSecret, exporterSecret } = current.secrets
    const secrets = [initSecret, confirmationKey, membershipKey, externalSecret, exporterSecret].map((one) =>
      one.clone().take(),
    )
    const keys = [...current.privateTree.entries()].map(([, { privateKey }]) => Uint8Array.from(privateKey))
    const canaries = [...secrets, ...keys]
    for (const canary of canaries) expect(contains(snapshot, canary)).toBe(true)
    group.merge((await group.commit()).staged)
    const after = group.snapshot()
    for (const canary of canaries) expect(contains(after, canary)).toBe(false)
  })
})

function contains(bytes: Uint8Array, part: Uint8Array): boolean {
  return Buffer.from(bytes).includes(Buffer.from(part))
}

test('V095 V258 R15 the cache of proposals is per epoch and refuses nothing that is known', async () => {
  const sent: SentForgery = await forgeProposal(world, 1, remove(3))
  const group = world.restore(0)
  await group.receive(sent.message)
  expect(group.proposals).toEqual([sent.reference])
  await group.receive(await forgeCommit(world, 3))
  expect(group.proposals).toEqual([])
})
