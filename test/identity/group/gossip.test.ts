/** What members tell one another of manifests: heads in messages, a root over all heads in commits. */
import { expect, test } from 'vitest'
import { utf8 } from '../../../src/bytes/text.ts'
import {
  compareHeadsRoot,
  headIsDue,
  headOfText,
  headsRootOf,
  headsRootProposal,
  headText,
} from '../../../src/identity/group-gossip.ts'
import { headsRoot } from '../../../src/identity/heads-tree.ts'
import type { ManifestHead } from '../../../src/identity/manifest-head.ts'
import { makeWorld, phone, seeded, suite } from './support.ts'

const head = (name: string, seq = 3n): ManifestHead => ({
  account: utf8(`${name}@example.org`),
  generation: 1,
  seq,
  hash: seeded(`${name} ${seq}`, 16),
})

test('the head goes with the first message of an epoch, and when it has moved', () => {
  expect(headIsDue(undefined, 4n, head('bob'))).toBe(true)
  expect(headIsDue({ epoch: 4n, head: head('bob') }, 4n, head('bob'))).toBe(false)
  expect(headIsDue({ epoch: 4n, head: head('bob') }, 5n, head('bob'))).toBe(true)
  expect(headIsDue({ epoch: 4n, head: head('bob') }, 4n, head('bob', 4n))).toBe(true)
})

test('a head comes back from its text, for its own account alone', () => {
  const text = headText(head('bob'))
  expect(headOfText(text, utf8('bob@example.org'))).toEqual(head('bob'))
  expect(headOfText(text, utf8('eve@example.org'))).toBeUndefined()
  for (const bad of ['', 'x', text.slice(4), `${text}AAAA`, 'A'.repeat(9000)])
    expect(headOfText(bad, utf8('bob@example.org'))).toBeUndefined()
})

test('a commit carries the root over all heads; who sees others notices, and takes the commit all the same', async () => {
  const world = await makeWorld({ members: [await phone('alice'), await phone('bob')] })
  const [mine, theirs] = [
    [head('alice'), head('bob')],
    [head('alice'), head('bob', 2n)],
  ].map((heads) => headsRoot(suite, heads))
  const { commit } = await world.at(0).commit({ custom: [headsRootProposal(mine!)], wireFormat: 'mls_public_message' })
  const result = await world.at(1).receive(commit)
  if (result.kind !== 'commit') throw new Error(result.kind)
  const { custom } = result.changes
  expect(headsRootOf(custom)).toEqual(mine)
  expect(compareHeadsRoot(custom, mine!)).toBe('same')
  expect(compareHeadsRoot(custom, theirs!)).toBe('different')
  expect(compareHeadsRoot([], mine!)).toBe('silent')
})

test('something else under the same name is silence', async () => {
  const world = await makeWorld({ members: [await phone('alice'), await phone('bob')] })
  const custom = headsRootProposal(seeded('root'))
  const short = { ...custom, body: Uint8Array.from([...custom.body.slice(0, 2), 1, 7]) }
  const { staged } = await world.at(0).commit({ custom: [short] })
  expect(compareHeadsRoot(staged.changes.custom, seeded('root'))).toBe('silent')
})
