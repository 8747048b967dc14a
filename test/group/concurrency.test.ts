import { describe, expect, test } from 'vitest'
import { type AuthenticationService, toHex } from '../../src/index.ts'
import { bytes, codeOf, commitIn, members } from './support.ts'

/** Resolves when `open` is called. */
function gate(): { readonly passed: Promise<void>; readonly open: () => void } {
  let open = (): void => undefined
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open }
}

describe('R29: calls that overlap', () => {
  test('R29 many calls in one tick run one after the other', async () => {
    const { groups } = await members(2)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const messages = Array.from({ length: 20 }, (_, i) => bob.protect(bytes(i)))
    const { proposal } = await bob.propose({ update: true })
    const all = await Promise.allSettled([
      ...messages.map((message) => alice.receive(message)),
      ...messages.map((message) => alice.receive(message)),
      alice.receive(proposal),
      alice.propose({ update: true }),
      alice.propose({ update: true }),
      alice.groupInfo(),
      alice.commit(),
      alice.commit(),
      alice.receive(bytes(0, 9, 0, 1)),
      alice.receive(proposal),
    ])
    const outcomes = all.map((one) =>
      one.status === 'rejected' ? (one.reason as { code: string }).code : 'kind' in one.value ? one.value.kind : 'done',
    )
    expect(outcomes).toEqual([
      ...messages.map(() => 'message'),
      ...messages.map(() => 'duplicate'),
      'proposal',
      'done',
      'done',
      'done',
      'done',
      'group/pending',
      'version/unsupported',
      'duplicate',
    ])
    // the commit took the proposal of bob; own Updates cannot be committed by oneself
    expect(alice.pending?.changes.updated).toHaveLength(1)
  })

  test('R29 two members in one tick, hundreds of messages: no generation twice', async () => {
    const { groups } = await members(2)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const sent = Array.from({ length: 200 }, (_, i) => alice.protect(bytes(i)))
    expect(new Set(sent.map(toHex)).size).toBe(200)
    const results = await Promise.all(sent.reverse().map((message) => bob.receive(message)))
    const generations = results.map((result) => (result.kind === 'message' ? result.generation : -1))
    expect(generations).toEqual(Array.from({ length: 200 }, (_, i) => 199 - i))
  })

  test('R29 a proposal that is being checked when another epoch begins is not carried over', async () => {
    const slow = { gate: gate(), waits: false }
    const authentication: AuthenticationService = {
      validate: async () => {
        if (slow.waits) await slow.gate.passed
        return true
      },
      isSuccessor: () => true,
    }
    const { groups } = await members(3, { options: { authentication } })
    const [alice, bob, carol] = [groups[0]!, groups[1]!, groups[2]!]
    const { proposal } = await carol.propose({ update: true })
    const { commit, staged } = await alice.commit()
    slow.waits = true
    const receiving = alice.receive(proposal)
    await new Promise((resolve) => setTimeout(resolve, 5))
    alice.merge(staged)
    slow.waits = false
    slow.gate.open()
    expect(await receiving).toMatchObject({ kind: 'past-epoch', contentType: 'proposal' })
    expect(alice.epoch).toBe(2n)
    expect(alice.proposals).toHaveLength(0)
    await bob.receive(commit)
    expect((await bob.receive(alice.protect(bytes(1)))).kind).toBe('message')
  })

  test('R29 a commit that is being made when another epoch begins is refused, and the epoch stays', async () => {
    const { groups, identities } = await members(2)
    const [alice, bob] = [groups[0]!, groups[1]!]
    const wait = gate()
    const signer = {
      publicKey: identities[0]!.signer.publicKey,
      sign: async (message: Uint8Array) => {
        await wait.passed
        return identities[0]!.signer.sign(message)
      },
    }
    const { commit } = await bob.commit()
    const received = await alice.stage(commit)
    if (received.kind !== 'commit') throw new Error('no commit')
    const making = codeOf(() => alice.commit({ leaf: { signer } }))
    await new Promise((resolve) => setTimeout(resolve, 5))
    alice.merge(received.staged)
    const before = alice.snapshot()
    wait.open()
    expect(await making).toBe('group/staged')
    expect(alice.epoch).toBe(2n)
    expect(alice.pending).toBe(undefined)
    expect(alice.snapshot()).toEqual(before)
    bob.merge(bob.pending!)
    await commitIn(groups, 0)
    expect(alice.epochAuthenticator).toEqual(bob.epochAuthenticator)
  })

  test('R29 a group that is closed during a call stays closed', async () => {
    const { groups, identities } = await members(2)
    const alice = groups[0]!
    const wait = gate()
    const signer = {
      publicKey: identities[0]!.signer.publicKey,
      sign: async (message: Uint8Array) => {
        await wait.passed
        return identities[0]!.signer.sign(message)
      },
    }
    const making = codeOf(() => alice.commit({ leaf: { signer } }))
    const proposing = codeOf(() => alice.propose({ update: true }))
    await new Promise((resolve) => setTimeout(resolve, 5))
    alice.close()
    wait.open()
    expect(await making).toBe('group/closed')
    expect(await proposing).toBe('group/closed')
    expect(alice.status).toBe('closed')
  })

  test('R29 a call that fails does not hold up the next one', async () => {
    const { groups } = await members(2)
    const failing = groups[0]!.receive(bytes(1))
    const working = groups[0]!.commit()
    expect(await codeOf(() => failing)).toBe('codec/short')
    expect((await working).staged.own).toBe(true)
  })
})
