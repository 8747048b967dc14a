/** Bags of steps from a server: gaps, merges, contradictions. */
import { describe, expect, test } from 'vitest'
import { encode } from '../../src/codec/codec.ts'
import { linkManifests, unsettled } from '../../src/identity/chain.ts'
import { emptyLog, walkChain } from '../../src/identity/chain-walk.ts'
import type { VerifiedManifest } from '../../src/identity/manifest.ts'
import { MergedParents, manifestExtensionTypes } from '../../src/identity/manifest-extensions.ts'
import { laptop, next, phone, start } from './chain-start.ts'
import { contentOf, device, now, person, ruleOf, seeded, signed, suite } from './fixture.ts'

const merging = (...hashes: Uint8Array<ArrayBuffer>[]) => ({
  extensions: [{ extensionType: manifestExtensionTypes.merged, extensionData: encode(MergedParents, hashes) }],
})

describe('walks', () => {
  test('a bag of steps in any order; what does not lead on is passed over', async () => {
    const one = await next()
    const two = await next({}, one)
    const three = await next({}, two)
    const bob = await person('bob')
    const other = await signed(contentOf(bob), bob.byOps)
    const walk = walkChain(suite, start, { manifests: [three, other, one, start, two], rotations: [] })
    expect(walk.head).toBe(three)
    expect(walk.events).toMatchObject([
      { kind: 'advanced', gap: false },
      { kind: 'advanced', gap: false },
      { kind: 'advanced', gap: false },
    ])
    expect(walk.conflicts).toEqual([])
    expect(walkChain(suite, start, { manifests: [three], rotations: [] }).events).toMatchObject([{ gap: true }])
    expect(walkChain(suite, start, emptyLog)).toMatchObject({ head: start, events: [] })
  })
  test('I003 no more than 256 steps', async () => {
    const one = await next()
    const manifests = new Array<VerifiedManifest>(257).fill(one)
    expect(await ruleOf(() => walkChain(suite, start, { manifests, rotations: [] }))).toBe('I003')
    expect(walkChain(suite, start, { manifests: manifests.slice(1), rotations: [] }).head).toBe(one)
  })
  test('two at once, and the merge that settles them, whichever was seen', async () => {
    const [a, b] = [await next({ devices: [phone, laptop, device('alice', 'watch')] }), await next()]
    const merge = await next({ ...merging(b.hash) }, a)
    for (const seen of [a, b]) {
      const other = seen === a ? b : a
      const forked = walkChain(suite, seen, { manifests: [other], rotations: [] })
      expect(forked.head).toBe(seen)
      expect(forked.events).toMatchObject([{ kind: 'conflict', rule: 'I031' }])
      expect(forked.conflicts).toHaveLength(1)
      const healed = walkChain(
        suite,
        seen,
        { manifests: [merge], rotations: [] },
        { conflicts: forked.conflicts, strongOnly: false },
      )
      expect(healed).toMatchObject({ head: merge, conflicts: [] })
      // all in one bag
      const whole = walkChain(suite, start, { manifests: [merge, other, seen], rotations: [] })
      expect(whole).toMatchObject({ head: merge, conflicts: [] })
      // and nothing is told of what was settled on the way
      expect(whole.events.map(({ kind }) => kind)).toEqual(['advanced', 'advanced'])
    }
    // a merge that loses what one of them said is no merge for who saw it
    const robbed = await next({ ...merging(a.hash) }, b)
    expect(linkManifests(suite, a, robbed)).toEqual({ kind: 'conflict', rule: 'I035' })
    // a merge must be named: without it who saw the other one sees a contradiction
    expect(linkManifests(suite, b, await next({}, a))).toEqual({ kind: 'conflict', rule: 'I031' })
  })
  test('a whole losing branch is settled by its last manifest', async () => {
    const w1 = await next()
    const l1 = await next({ issuedAt: now + 5n })
    const l2 = await next({}, l1)
    const merge = await next({ ...merging(w1.hash) }, l2)
    const walk = walkChain(suite, start, { manifests: [w1, l1, l2, merge], rotations: [] })
    expect(walk).toMatchObject({ head: merge, conflicts: [] })
    expect(unsettled([{ hash: seeded('x'), parents: [] }], merge)).toHaveLength(1)
  })
  test('a contradiction stays until it is settled, and is told once', async () => {
    const [a, b] = [await next(), await next({ issuedAt: now + 7n })]
    const first = walkChain(suite, a, { manifests: [b], rotations: [] })
    const again = walkChain(
      suite,
      a,
      { manifests: [b, await next({}, a)], rotations: [] },
      { conflicts: first.conflicts, strongOnly: false },
    )
    expect(again.conflicts).toHaveLength(1)
    expect(again.events.filter(({ kind }) => kind === 'conflict')).toEqual([])
  })
})
