/** Groups I and J: key schedule, transcripts (RFC 9420 §8), and pre-shared keys (§8.4, §12.1.4) of commits. */
import { beforeAll, describe, expect, test } from 'vitest'
import { resolvePskSecret } from '../../src/commit/psks.ts'
import { expandWithLabel } from '../../src/crypto/labels.ts'
import type { Proposal } from '../../src/wire/proposal.ts'
import type { PreSharedKeyId } from '../../src/wire/psk.ts'
import { type CommitForgery, forgeCommit, forgeProposal } from '../support/forge.ts'
import { externalPsk, psk, setExtensions, unknownExtension } from '../support/values.ts'
import {
  bothFormats,
  expectAccepted,
  expectRejected,
  makeWorld,
  outcomeOf,
  suite,
  type World,
} from '../support/world.ts'

const key = (id: number) => new Uint8Array(32).fill(id)
const known = new Set([1, 2])
const options = { psks: { externalPsk: (id: Uint8Array) => (known.has(id[0]!) ? key(id[0]!) : undefined) } }
const pskOf = (id: PreSharedKeyId) => (id.psktype === 'external' ? key(id.pskId[0]!) : key(0))

let world: World
beforeAll(async () => {
  world = await makeWorld({ members: 3, commits: [0, 1], options, capabilities: { extensions: [0xf00d] } })
})
function broken(title: string, rule: string, forgery: (format: CommitForgery['format']) => CommitForgery): void {
  bothFormats(title, async (format) =>
    expectRejected(world, 0, await forgeCommit(world, 1, { psk: pskOf, ...forgery(format), format }), rule),
  )
}

describe('schedule', () => {
  broken('V190 the other wire format in the transcript', 'V084', (format) => ({
    transcriptFormat: format === 'mls_public_message' ? 'mls_private_message' : 'mls_public_message',
  }))
  broken('V191 the commit secret is the last path secret', 'V084', () => ({
    commitSecret: (_, secrets) => secrets.at(-1)!,
  }))
  broken('V192 without a path the commit secret is not zero', 'V084', () => ({
    path: false,
    proposals: [psk(externalPsk(1))],
    commitSecret: () => suite.randomBytes(32),
  }))
  broken('V193 the old extensions in the next context', 'V084', () => ({
    proposals: [setExtensions([unknownExtension])],
    nextContext: (context) => ({ ...context, extensions: [] }),
  }))
  broken('V193 the epoch of the commit itself in the next context', 'V084', () => ({
    nextContext: (context) => ({ ...context, epoch: context.epoch - 1n }),
  }))
  test('V031 no label holds a length beyond a uint16', async () => {
    expect(await outcomeOf(() => expandWithLabel(suite, key(1), 'label', key(2), 0x10000))).toBe('V031')
  })
  test('V197 members that got different commits have different authenticators and safety numbers', async () => {
    const one = await expectAccepted(world, 0, await forgeCommit(world, 1))
    const other = await expectAccepted(world, 2, await forgeCommit(world, 1))
    expect(one.epochAuthenticator).not.toEqual(other.epochAuthenticator)
    expect(one.safetyNumber).not.toBe(other.safetyNumber)
    const message = await forgeCommit(world, 1)
    const [a, b] = [await expectAccepted(world, 0, message), await expectAccepted(world, 2, message)]
    expect(a.safetyNumber).toBe(b.safetyNumber)
  })
})

describe('PSKs', () => {
  const resumption = (change: Partial<Extract<PreSharedKeyId, { psktype: 'resumption' }>> = {}): PreSharedKeyId => ({
    psktype: 'resumption',
    usage: 'application',
    pskGroupId: world.state(0).current.context.groupId,
    pskEpoch: world.state(0).current.context.epoch,
    pskNonce: key(3),
    ...change,
  })
  function bad(title: string, rule: string, make: () => Proposal): void {
    bothFormats(title, async (format) => {
      await expectRejected(world, 0, await forgeCommit(world, 1, { format, proposals: [make()] }), rule)
      await expectRejected(world, 0, (await forgeProposal(world, 1, make(), { format })).message, rule)
    })
  }
  for (const length of [0, 31, 33])
    bad(`V198 a psk_nonce of ${length} bytes`, 'V198', () =>
      psk({ ...externalPsk(1), pskNonce: new Uint8Array(length) }),
    )
  bad('V199 a PSK with usage reinit', 'V199', () => psk(resumption({ usage: 'reinit' })))
  bad('V200 a PSK with usage branch', 'V200', () => psk(resumption({ usage: 'branch' })))
  broken('V202 a resumption PSK of an epoch that is not known', 'V202', () => ({
    proposals: [psk(resumption({ pskEpoch: 1000n }))],
  }))
  broken('V202 a resumption PSK of a group that is not known', 'V202', () => ({
    proposals: [psk(resumption({ pskGroupId: key(1) }))],
  }))
  broken('V203 one id twice by value', 'V203', () => ({ proposals: [psk(externalPsk(1)), psk(externalPsk(1))] }))
  bothFormats('V203 one id by reference and by value', async (format) => {
    const sent = await forgeProposal(world, 2, psk(externalPsk(1)))
    const message = await forgeCommit(world, 1, { format, psk: pskOf, proposals: [sent, psk(externalPsk(1))] })
    await expectRejected(world, 0, message, 'V203', { earlier: [sent.message], after: async () => undefined })
  })
  bothFormats('V204 one PSK with two nonces', async (format) => {
    const proposals = [psk(externalPsk(1, 1)), psk(externalPsk(1, 2))]
    await expectAccepted(world, 0, await forgeCommit(world, 1, { format, psk: pskOf, proposals }))
  })
  broken('V195 the order of the PSKs is that of the proposals', 'V084', () => ({
    proposals: [psk(externalPsk(1)), psk(externalPsk(2))],
    pskOrder: (ids) => [...ids].reverse(),
  }))
  test('V208 more PSKs than the bound, which nothing is looked up for', async () => {
    const asked: PreSharedKeyId[] = []
    const lookup = async (id: PreSharedKeyId) => void asked.push(id)
    const ids = Array.from({ length: 17 }, (_, i) => externalPsk(1, i))
    expect(await outcomeOf(() => resolvePskSecret(suite, ids, lookup as never))).toBe('V208')
    expect(asked).toEqual([])
  })
  broken('V208 more PSKs than the bound', 'V208', () => ({
    proposals: Array.from({ length: 17 }, (_, i) => psk(externalPsk(1, i))),
  }))
  test('V201 a PSK that arrives later: the same commit is then applied', async () => {
    const message = await forgeCommit(world, 1, { psk: pskOf, proposals: [psk(externalPsk(3))] })
    await expectRejected(world, 0, message, 'V201')
    const group = world.restore(0)
    try {
      await group.receive(message).catch(() => undefined)
      known.add(3)
      expect((await group.receive(message)).kind).toBe('commit')
    } finally {
      known.delete(3)
    }
  })
})
