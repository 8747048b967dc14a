/** Where the own line leads, and what is beside it: honest races are told from a stolen key. */
import { beforeAll, describe, expect, test } from 'vitest'
import type { VerifiedManifest } from '../../../src/identity/manifest.ts'
import { followOwn } from '../../../src/xmpp/identity/own-view.ts'
import { contentOf, device, following, type Person, person, signed, suite } from '../../identity/fixture.ts'

let alice: Person
/** `base` is followed by `one`, and at the same time by `other`, and that by `later`. */
let base: VerifiedManifest
let one: VerifiedManifest
let other: VerifiedManifest
let later: VerifiedManifest
const phone = device('alice', 'phone')
const laptop = device('alice', 'laptop')

beforeAll(async () => {
  alice = await person('alice')
  const first = await signed(contentOf(alice, { devices: [phone] }), alice.byOps)
  base = await signed(following(first), alice.byOps)
  one = await signed(following(base, { devices: [phone, device('alice', 'tablet')] }), alice.byOps)
  other = await signed(following(base, { devices: [phone, laptop] }), alice.byOps)
  later = await signed(following(other), alice.byOps)
})

const look = (
  own: VerifiedManifest,
  manifests: readonly VerifiedManifest[],
  history: readonly VerifiedManifest[] = [],
) => followOwn(suite, own, history, { current: manifests.at(-1), manifests, rotations: [] }, true)

describe('the own line', () => {
  test('two that follow the same one are merged over it', () => {
    const { forks, strangers } = look(one, [base, one, other])
    expect(strangers).toEqual([])
    expect(forks.map((fork) => fork.base.seq)).toEqual([1n])
  })
  test('a new device whose server has cut the log short alarms nobody: it does not know what both follow', () => {
    for (const shown of [
      [one, other],
      [one, other, later],
    ]) {
      const { forks, strangers } = look(one, shown)
      expect({ forks, strangers }).toEqual({ forks: [], strangers: [] })
    }
  })
  test('what breaks a rule of the chain is a stranger, whatever it follows', async () => {
    const robbed = await signed(following(base, { devices: [laptop] }), alice.byOps)
    expect(look(one, [base, one, robbed]).strangers).toEqual([robbed])
  })
  test('a past of its own is a stranger', async () => {
    const forged = await signed(following(base, { prevHash: new Uint8Array(32).fill(7) }), alice.byOps)
    expect(look(one, [base, one, forged]).strangers).toEqual([forged])
  })
})
