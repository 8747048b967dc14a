/** Attack 21: members with other clocks, pins and lists from PEP take the same commits, whatever comes. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { toHex } from '../../../src/bytes/text.ts'
import { advance } from '../../../src/identity/contact.ts'
import { type ContactPin, unknownContact } from '../../../src/identity/contact-state.ts'
import { CertificateCache } from '../../../src/identity/group-certificates.ts'
import { groupRoles, withCertificate, withIdentityContext } from '../../../src/identity/group-components.ts'
import { evidenceProposal } from '../../../src/identity/group-evidence.ts'
import { groupFacts, sendingOf } from '../../../src/identity/group-facts.ts'
import { identityGroupRules } from '../../../src/identity/group-rules.ts'
import { signManifest, type VerifiedManifest } from '../../../src/identity/manifest.ts'
import { type CommitOptions, type Group, type GroupOptions, restoreGroup } from '../../../src/index.ts'
import { contentOf, now, person, revocation } from '../fixture.ts'
import { honest, lawless, makeWorld, outcomeOf, type Phone, packageOf, phone, suite } from './support.ts'

/** One thing that somebody tries. */
type Step = { readonly by: number; readonly what: keyof typeof attempts; readonly n: number; readonly honest: boolean }

const names = ['alice', 'bob', 'bob', 'carol'] as const
const devices = ['phone', 'phone', 'tablet', 'phone'] as const
const phones: Phone[] = await Promise.all(names.map((name, i) => phone(name, devices[i])))
const bob = await person('bob')
const revoking = await signManifest(
  suite,
  bob.byOps,
  contentOf(bob, { devices: [phones[1]!.entry], revoked: [revocation(phones[2]!.entry)] }),
)
const listing = await signManifest(
  suite,
  bob.byOps,
  contentOf(bob, { devices: [phones[1]!.entry, phones[2]!.entry], expiresAt: now + 99n }),
)

let serial = 0
const attempts = {
  fresh: async () => ({}),
  remove: async (n: number) => ({ remove: [n % 4] }),
  evidence: async (n: number) => ({
    remove: [n % 4],
    custom: [evidenceProposal({ kind: 'revoked', manifest: revoking.bytes, rotations: [] })],
  }),
  add: async () => ({ add: [await packageOf(await phone(`guest${serial++}`))] }),
  ghost: async () => ({ add: [await packageOf(await phone('bob', `ghost${serial++}`, { generation: 1 }))] }),
  naked: async () => ({ add: [await packageOf(await phone(`guest${serial++}`, 'phone', { cert: undefined }))] }),
  swap: async (n: number) => ({ leaf: { extensions: phones[n % 4]!.leafExtensions } }),
  roles: async (n: number, { extensions }: Group) => ({
    extensions: withIdentityContext(extensions, { roles: groupRoles([phones[n % 4]!.of.account]) }),
  }),
  drop: async () => ({ extensions: [] }),
  dated: async (n: number, { epoch }: Group) => ({
    leaf: { extensions: withCertificate([], phones[n % 4]!.cert, epoch) },
  }),
} satisfies Record<string, (n: number, group: Group) => Promise<CommitOptions>>

const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.record({
    by: fc.integer({ min: 0, max: 3 }),
    what: fc.constantFrom(...(Object.keys(attempts) as (keyof typeof attempts)[])),
    n: fc.integer({ min: 0, max: 7 }),
    honest: fc.boolean(),
  }),
  { minLength: 3, maxLength: 7 },
)

/** Four members who agree on nothing but bytes: clocks years apart, caches of other sizes, other pins of bob. */
function views(): readonly { readonly options: GroupOptions; readonly pin: ContactPin; readonly now: bigint }[] {
  const pinned = (head: VerifiedManifest | undefined): ContactPin => {
    const unknown = unknownContact(bob.account)
    return head === undefined ? unknown : advance(suite, unknown, { kind: 'published', current: head }, now).pin
  }
  return [undefined, revoking, listing, revoking].map((head, i) => {
    const rules = identityGroupRules({ suite, certificates: new CertificateCache(suite, [1, 2, 7, 1000][i]) })
    const years = BigInt([-30, 0, 1, 200][i]!)
    const seconds = now + years * 365n * 86_400n
    return {
      options: { ...honest(rules), clock: { now: () => Number(seconds) * 1000 } },
      pin: pinned(head),
      now: seconds < 0n ? 0n : seconds,
    }
  })
}

test('the same answer from all, and the same epoch after it', { timeout: 60_000 }, async () => {
  let refused = 0
  let taken = 0
  const opinions = new Set<string>()
  await fc.assert(
    fc.asyncProperty(steps, async (walk) => {
      const world = await makeWorld({ members: phones, admins: ['alice'] })
      const known = views()
      const signers = phones.map(({ identity }) => identity)
      const copy = (group: Group, options: GroupOptions) => restoreGroup(group.snapshot(), { suite, signers, options })
      const groups = world.groups.map((group, i) => copy(group, known[i]!.options))
      for (const { by, what, n, honest: fair } of walk) {
        const own = groups[by]!
        if (own.status !== 'active') continue
        const author = fair ? own : copy(own, lawless)
        const options = await attempts[what](n, author)
        let made: Awaited<ReturnType<Group['commit']>>
        try {
          made = await author.commit({ wireFormat: 'mls_public_message', ...options })
        } catch {
          continue
        }
        const others = groups.filter((group, i) => i !== by && group.status === 'active')
        const answers = await Promise.all(others.map((group) => outcomeOf(() => group.receive(made.commit))))
        expect(new Set(answers).size).toBeLessThanOrEqual(1)
        if (answers[0] === 'accepted') {
          taken++
          author.merge(made.staged)
          groups[by] = fair ? author : copy(author, known[by]!.options)
        } else {
          refused++
          expect(fair).toBe(false)
          author.discard()
        }
        const active = groups.filter(({ status }) => status === 'active')
        expect(new Set(active.map(({ epochAuthenticator }) => toHex(epochAuthenticator))).size).toBe(1)
        const view = active[0]!.state.current
        const shared = {
          groupId: view.context.groupId,
          epoch: view.context.epoch,
          extensions: view.context.extensions,
          tree: view.tree,
        }
        for (const { pin, now: time } of known)
          opinions.add(
            sendingOf(
              groupFacts(shared, {
                suite,
                now: time,
                own: phones[0]!.of.account,
                pin: (account) => (toHex(account) === toHex(bob.account) ? pin : undefined),
              }),
            ),
          )
      }
    }),
    { numRuns: 12, seed: 20_261_123 },
  )
  // the walk was no walk in the park, and the members did not think alike
  expect(refused).toBeGreaterThan(5)
  expect(taken).toBeGreaterThan(5)
  expect(opinions.size).toBeGreaterThan(1)
})
