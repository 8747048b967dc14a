/** Group N: commits (RFC 9420 §12.4, §14). */
import { beforeAll, describe, expect, test } from 'vitest'
import { ascii, equalBytes } from '../../src/bytes/bytes.ts'
import { restoreGroup } from '../../src/index.ts'
import { forgeCommit, forgeProposal } from '../support/forge.ts'
import { add, custom, externalPsk, forgeUpdate, psk, reinit, remove, setExtensions } from '../support/values.ts'
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

const options = {
  psks: { externalPsk: () => new Uint8Array(32) },
  customProposals: [
    { type: 0xf00e, pathRequired: false },
    { type: 0xf00f, pathRequired: true },
  ],
}
let world: World
beforeAll(async () => {
  world = await makeWorld({ members: 3, options, capabilities: { proposals: [0xf00e, 0xf00f] } })
})

describe('paths', () => {
  const path = false
  bothFormats('V263 an empty list without a path', async (format) =>
    expectRejected(world, 0, await forgeCommit(world, 1, { format, path }), 'V263'),
  )
  bothFormats('V264 an Update without a path', async (format) => {
    const sent = await forgeProposal(world, 2, await forgeUpdate(world, 2))
    const message = await forgeCommit(world, 1, { format, path, proposals: [sent] })
    await expectRejected(world, 0, message, 'V264', { earlier: [sent.message], after: async () => undefined })
  })
  bothFormats('V265 a Remove without a path', async (format) =>
    expectRejected(world, 0, await forgeCommit(world, 1, { format, path, proposals: [remove(2)] }), 'V265'),
  )
  bothFormats('V266 GroupContextExtensions without a path', async (format) =>
    expectRejected(world, 0, await forgeCommit(world, 1, { format, path, proposals: [setExtensions([])] }), 'V266'),
  )
  test('V266 a custom proposal whose kind asks for a path', async () =>
    expectRejected(world, 0, await forgeCommit(world, 1, { path, proposals: [custom(0xf00f)] }), 'V266'))
  bothFormats('V268 Adds, PSKs, custom proposals and a ReInit need no path', async (format) => {
    const { keyPackage } = await newcomer(world)
    const proposals = [add(keyPackage), psk(externalPsk(1)), custom(0xf00e)]
    await expectAccepted(world, 0, await forgeCommit(world, 1, { format, path, proposals }))
    const group = await expectAccepted(world, 0, await forgeCommit(world, 1, { format, path, proposals: [reinit()] }))
    expect(group.status).toBe('reinitialized')
  })
})

describe('epochs', () => {
  test('V269 a commit for the epoch before or after is not applied', async () => {
    const group = world.restore(0)
    for (const step of [-1n, 1n]) {
      const message = await forgeCommit(world, 1, {
        content: (content) => ({ ...content, epoch: content.epoch + step }),
      })
      const before = group.snapshot()
      const { kind } = await group.receive(message)
      expect(kind).toBe(step < 0n ? 'past-epoch' : 'future-epoch')
      expect(equalBytes(group.snapshot(), before)).toBe(true)
    }
  })
  test('V270 of two commits for one epoch the first decides, in both orders', async () => {
    const messages = [await forgeCommit(world, 1), await forgeCommit(world, 2)]
    for (const [first, second] of [messages, [...messages].reverse()]) {
      const group = world.restore(0)
      await group.receive(first!)
      const before = group.snapshot()
      expect((await group.receive(second!)).kind).toBe('past-epoch')
      expect((await group.receive(first!)).kind).toBe('duplicate')
      expect(equalBytes(group.snapshot(), before)).toBe(true)
    }
  })
})

describe('own commits', () => {
  bothFormats('V271 a commit in the name of the own leaf', async (format) => {
    const message = await forgeCommit(world, 0, { format })
    await expectRejected(world, 0, message, 'V271')
    const group = world.restore(0)
    const { commit } = await group.commit()
    const before = group.snapshot()
    expect(await outcomeOf(() => group.receive(message))).toBe('V271')
    expect(equalBytes(group.snapshot(), before)).toBe(true)
    expect((await group.receive(commit)).kind).toBe('own-commit')
  })
  bothFormats('V271 a commit with an Update in our name that we did not make', async (format) => {
    const sent = await forgeProposal(world, 0, await forgeUpdate(world, 0))
    const message = await forgeCommit(world, 1, { format, proposals: [sent] })
    await expectRejected(world, 0, message, 'V271', { earlier: [sent.message], after: async () => undefined })
  })
  bothFormats('V272 the echo of the own commit merges exactly what is pending', async (format) => {
    const group = world.restore(0)
    const { commit, staged } = await group.commit({ wireFormat: format })
    const result = await group.receive(commit)
    expect(result.kind).toBe('own-commit')
    expect(group.epochAuthenticator).toEqual(Uint8Array.from(staged.next!.secrets.epochAuthenticator))
    expect(group.pending).toBe(undefined)
  })
  bothFormats('V273 the commit of another while ours is pending', async (format) => {
    const group = world.restore(0)
    await group.commit()
    expect((await group.receive(await forgeCommit(world, 1, { format }))).kind).toBe('commit')
    expect(group.pending).toBe(undefined)
  })
  test('V275 creating a commit changes nothing but the pending slot', async () => {
    const group = world.restore(0)
    const before = group.snapshot()
    const { staged } = await group.commit({ wireFormat: 'mls_public_message', add: [await newcomer(world)] })
    expect(equalBytes(group.snapshot(), before)).toBe(false)
    group.discard(staged)
    expect(equalBytes(group.snapshot(), before)).toBe(true)
  })
  test('V276 the Welcome comes from merging alone', async () => {
    const group = world.restore(0)
    const created = await group.commit({ add: [await newcomer(world)] })
    expect(Object.keys(created).sort()).toEqual(['commit', 'staged'])
    expect(group.merge(created.staged).welcome).toBeInstanceOf(Uint8Array)
  })
  test('V277 no application data while a proposal waits', async () => {
    const group = world.restore(0)
    const sent = await forgeProposal(world, 1, remove(2))
    await group.receive(sent.message)
    expect(await outcomeOf(() => group.protect(new Uint8Array(1)))).toBe('V277')
  })
  test('V278 after a ReInit nothing more is sent', async () => {
    const group = world.restore(0)
    const { staged } = await group.commit({ reinit: { groupId: ascii('next'), cipherSuite: 1, extensions: [] } })
    group.merge(staged)
    const calls = [() => group.protect(new Uint8Array(1)), () => group.commit(), () => group.propose({ remove: 1 })]
    for (const call of calls) expect(await outcomeOf(call)).toBe('V278')
  })
})

describe('V274 a commit that removes us', () => {
  bothFormats('V274 forged: the signature is checked as always', async (format) => {
    const { signer } = world.identities[2]!
    const message = await forgeCommit(world, 1, { format, signer, proposals: [remove(0)] })
    await expectRejected(world, 0, message, 'V080')
  })
  bothFormats('V274 genuine: removed, and sends are refused', async (format) => {
    const group = await expectAccepted(world, 0, await forgeCommit(world, 1, { format, proposals: [remove(0)] }))
    expect(group.status).toBe('removed')
    for (const call of [() => group.protect(new Uint8Array(1)), () => group.commit(), () => group.epochAuthenticator])
      expect(await outcomeOf(call)).toBe('V274')
    const again = restoreGroup(group.snapshot(), { suite, signers: [world.identities[0]!] })
    expect(again.status).toBe('removed')
    expect(await outcomeOf(() => again.protect(new Uint8Array(1)))).toBe('V274')
  })
  bothFormats('V274 it breaks a rule: rejected, we stay', async (format) => {
    const message = await forgeCommit(world, 1, { format, proposals: [remove(0), remove(0)] })
    await expectRejected(world, 0, message, 'V244')
  })
})

describe('confirmation tags', () => {
  bothFormats('V084 a flipped tag', async (format) =>
    expectRejected(world, 0, await forgeCommit(world, 1, { format, tag: (tag) => flip(tag, 3) }), 'V084'),
  )
  bothFormats('V085 tags of 0, 1, Nh - 1 and Nh + 1 bytes with the right prefix', async (format) => {
    for (const length of [0, 1, 31, 33]) {
      const tag = (genuine: Uint8Array) => new Uint8Array([...genuine, 0]).slice(0, length)
      await expectRejected(world, 0, await forgeCommit(world, 1, { format, tag }), 'V085')
    }
  })
})
