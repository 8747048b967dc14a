/** Accounts and outsiders of a room follow what changes, and are those of a look at all members. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type Group, type KeyPackageBundle, restoreGroup } from '../../../src/index.ts'
import { accountsIn } from '../../../src/xmpp/mls/account-leaves.ts'
import type { Turn } from '../../../src/xmpp/mls/engine/events.ts'
import { noteAffiliation, outsidersOf } from '../../../src/xmpp/mls/engine/roster.ts'
import { type EngineContext, initialState } from '../../../src/xmpp/mls/engine/state.ts'
import { deviceOf } from '../../../src/xmpp/mls/identity.ts'
import type { Affiliation } from '../../../src/xmpp/xep/xep-0045.ts'
import { honest, makeWorld, type Phone, packageOf, phone, suite } from '../../identity/group/support.ts'

const names = Array.from({ length: 6 }, (_, i) => `user${i}`)
const jid = (name: string) => `${name}@example.org`
const affiliations = ['owner', 'member', 'none', 'outcast'] as const

/** What a look at all members finds. */
function whole(group: Group, roster: ReadonlyMap<string, Affiliation>, kind: 'muc' | 'mix') {
  const accounts = new Map<string, string[]>()
  for (const { leafIndex, credential } of group.members()) {
    const { account, device } = deviceOf(credential)!
    accounts.set(account, [...(accounts.get(account) ?? []), `${leafIndex} ${device}`].sort())
  }
  const absent = kind === 'muc' ? 'none' : 'member'
  const out = (account: string) => ['none', 'outcast'].includes(roster.get(account) ?? absent)
  return {
    accounts: Object.fromEntries([...accounts].sort()),
    outsiders: [...accounts.keys()].filter((account) => account !== jid('user0') && out(account)).sort(),
  }
}

function kept(turn: Turn) {
  const index = accountsIn(turn.state.group!)
  const accounts = [...index.names()].sort().map((name): [string, string[]] => {
    expect(index.has(name)).toBe(true)
    return [name, [...index.leavesOf(name)].map(([leaf, device]) => `${leaf} ${device}`).sort()]
  })
  expect(index.size).toBe(accounts.length)
  return { accounts: Object.fromEntries(accounts), outsiders: [...outsidersOf(turn)].sort() }
}

interface Stage {
  readonly turn: Turn
  readonly phones: readonly Phone[]
  readonly signers: readonly Phone['identity'][]
}
type Act = (stage: Stage) => unknown

async function merged(group: Group, options: Parameters<Group['commit']>[0]): Promise<void> {
  const { staged } = await group.commit(options)
  group.merge(staged)
}

const rosters = fc.array(fc.tuple(fc.constantFrom(...names.map(jid)), fc.constantFrom(...affiliations)), {
  maxLength: 9,
})
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.uniqueArray(fc.integer({ min: 1, max: 11 }), { minLength: 1, maxLength: 6 }).map(
      (list): Act =>
        async ({ turn, phones }) => {
          const group = turn.state.group!
          const add: KeyPackageBundle[] = []
          for (const i of list)
            if (group.memberWithSignatureKey(phones[i]!.identity.signer.publicKey) === undefined)
              add.push(await packageOf(phones[i]!))
          await merged(group, { add })
        },
    ),
  },
  {
    weight: 4,
    arbitrary: fc.uniqueArray(fc.integer({ min: 1, max: 11 }), { minLength: 1, maxLength: 9 }).map(
      (list): Act =>
        async ({ turn }) => {
          const group = turn.state.group!
          await merged(group, { remove: list.filter((leaf) => group.member(leaf) !== undefined) })
        },
    ),
  },
  { weight: 1, arbitrary: fc.constant<Act>(({ turn }) => merged(turn.state.group!, {})) },
  {
    weight: 6,
    arbitrary: fc.tuple(fc.constantFrom(...names.map(jid)), fc.constantFrom(...affiliations)).map(
      ([account, affiliation]): Act =>
        ({ turn }) =>
          noteAffiliation(turn, account, affiliation),
    ),
  },
  {
    weight: 1,
    arbitrary: rosters.map(
      (list): Act =>
        ({ turn }) => {
          turn.state.roster = new Map(list)
        },
    ),
  },
  {
    weight: 1,
    // as after a rollback or a restart
    arbitrary: fc.constant<Act>(({ turn, signers }) => {
      turn.state.group = restoreGroup(turn.state.group!.snapshot(), { suite, signers, options: honest() })
    }),
  },
)

test.each(['muc', 'mix'] as const)('%s: what is kept is what a look at all members finds', async (kind) => {
  const phones: Phone[] = []
  for (const name of names) for (const device of ['phone', 'tablet']) phones.push(await phone(name, device))
  const signers = phones.map(({ identity }) => identity)
  const { groups } = await makeWorld({ members: phones.slice(0, 1), bare: true })
  const start = groups[0]!.snapshot()
  let [out, gone] = [0, 0]
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(act, fc.boolean()), { minLength: 10, maxLength: 25 }), async (acts) => {
      const group = restoreGroup(start, { suite, signers, options: honest() })
      const context = { kind, account: jid('user0') } as EngineContext
      const state = { ...initialState(), phase: 'active' as const, group, roster: new Map<string, Affiliation>() }
      const stage: Stage = { turn: { context, state, effects: [] }, phones, signers }
      await merged(group, { add: await Promise.all(phones.slice(1, 8).map(packageOf)) })
      for (const [one, look] of acts) {
        await one(stage)
        if (!look) continue
        const found = kept(stage.turn)
        expect(found).toEqual(whole(stage.turn.state.group!, stage.turn.state.roster!, kind))
        out = Math.max(out, found.outsiders.length)
        if (out > 0 && found.outsiders.length === 0) gone++
      }
    }),
    { numRuns: 20, seed: 20_261_123 },
  )
  expect(out).toBeGreaterThan(1)
  expect(gone).toBeGreaterThan(2)
})
