/** Facts that are kept from epoch to epoch are those that a look at the whole group finds, and cost what has changed. */
import fc from 'fast-check'
import { beforeAll, describe, expect, test } from 'vitest'
import { utf8 } from '../../../src/bytes/text.ts'
import { Looks } from '../../../src/identity/confusable.ts'
import { advance } from '../../../src/identity/contact.ts'
import { type ContactPin, unknownContact } from '../../../src/identity/contact-state.ts'
import { Deadlines } from '../../../src/identity/deadlines.ts'
import { makeOpsDeviceCert } from '../../../src/identity/device-cert.ts'
import {
  defaultIdentityPolicy,
  type RotationRecord,
  withCertificate,
  withIdentityContext,
} from '../../../src/identity/group-components.ts'
import { GroupFactIndex } from '../../../src/identity/group-fact-index.ts'
import { type GroupKnowledge, groupFacts } from '../../../src/identity/group-facts.ts'
import { type ManifestTbs, signManifest } from '../../../src/identity/manifest.ts'
import type { Extension, RuleGroup, RuleTree } from '../../../src/index.ts'
import { signLeafNode } from '../../../src/signed/leaf-node.ts'
import type { EncodedLeafNode } from '../../../src/wire/leaf-node.ts'
import { contentOf, day, now, person, revocation, rootOf } from '../fixture.ts'
import { capabilities, phone, suite } from './support.ts'

/** People, of whom some look alike. */
const names = ['alice', 'bill', 'bi11', 'marc', 'rnarc', 'bi1l'] as const
const seats = 12

interface Slot {
  readonly account: Uint8Array
  readonly node: EncodedLeafNode
}
let slots: Slot[]
/** What may be believed of each person. */
let pins: Map<string, (ContactPin | undefined)[]>
let records: RotationRecord[]
const key = (account: Uint8Array) => String(account)

async function slot(name: string, device: string, generation: number, notAfter: bigint, epoch?: bigint): Promise<Slot> {
  const { of, entry, identity } = await phone(name, device, { generation })
  const subject = { account: of.account, deviceId: entry.deviceId, leafKey: entry.leafKeys[0]! }
  const cert = await makeOpsDeviceCert(of.ops, of.cert, subject, { generation, manifestSeq: 0n, notAfter })
  const { publicKey } = await suite.deriveKeyPair(suite.randomBytes(32))
  const node = await signLeafNode(
    identity.signer,
    {
      encryptionKey: publicKey,
      signatureKey: identity.signer.publicKey,
      credential: identity.credential,
      capabilities,
      leafNodeSource: 'commit',
      parentHash: new Uint8Array(0),
      extensions: withCertificate([], cert, epoch),
    },
    { groupId: new Uint8Array(1), leafIndex: 0 },
  )
  return { account: of.account, node }
}

async function pinsOf(name: string): Promise<(ContactPin | undefined)[]> {
  const [tablet, mobile] = [await phone(name, 'tablet'), await phone(name)]
  const [first, second] = [await person(name), await person(name, 1)]
  const seen = async (of: typeof first, changes: Partial<ManifestTbs>) =>
    advance(
      suite,
      unknownContact(of.account),
      { kind: 'published', current: await signManifest(suite, of.byOps, contentOf(of, changes)) },
      now,
    ).pin
  const both = await seen(first, { devices: [tablet.entry, mobile.entry] })
  const soon = await seen(first, { devices: [tablet.entry, mobile.entry], expiresAt: now + 3n * day })
  const one = await seen(first, { devices: [tablet.entry], revoked: [revocation(mobile.entry)] })
  const less = await seen(first, { devices: [tablet.entry] })
  const next = await seen(second, { devices: [tablet.entry, mobile.entry] })
  const hash = { rootHash: both.rootHash! }
  const verified = advance(suite, both, { kind: 'verified', ...hash }, now).pin
  const stolen = advance(suite, both, { kind: 'root_compromised', ...hash }, now).pin
  return [undefined, both, soon, one, less, next, verified, stolen]
}

beforeAll(async () => {
  slots = []
  pins = new Map()
  records = []
  for (const [i, name] of names.entries()) {
    for (const device of ['phone', 'tablet'])
      slots.push(
        await slot(name, device, 0, now + BigInt(2 + i) * day),
        await slot(name, device, 0, now + 100n * day, 5n + BigInt(i)),
        await slot(name, device, 1, now + 50n * day),
      )
    const { account } = await person(name)
    pins.set(key(account), await pinsOf(name))
    records.push({
      account,
      oldGeneration: 0,
      oldRoot: rootOf(name).root.ed25519,
      newGeneration: 1,
      newRoot: rootOf(name, 1).root.ed25519,
      epoch: 3n + BigInt(i),
    })
  }
})

/** A tree that counts who looks at it. */
class Seats implements RuleTree {
  readonly leaves: (EncodedLeafNode | undefined)[]
  looks = 0
  scans = 0

  constructor(leaves: readonly (EncodedLeafNode | undefined)[]) {
    this.leaves = [...leaves]
  }

  get memberCount(): number {
    return this.leaves.filter(Boolean).length
  }

  leaf(index: number): EncodedLeafNode | undefined {
    this.looks++
    return this.leaves[index]
  }

  *members(): Iterable<readonly [number, EncodedLeafNode]> {
    this.scans++
    for (const [i, leaf] of this.leaves.entries()) if (leaf !== undefined) yield [i, leaf]
  }
}

/** A group, what is believed, and an index that is told what changes. */
class Stage {
  readonly index = new GroupFactIndex()
  #last = new Seats([])
  tree = new Seats([])
  #slots: (Slot | undefined)[] = []
  epoch = 1n
  time = now
  extensions: readonly Extension[] = []
  readonly #believed = new Map<string, ContactPin | undefined>()
  readonly #contacts: Uint8Array[] = []
  readonly #looks: Looks
  #changed: Uint8Array[] = []
  readonly #own: Uint8Array

  constructor(own: Uint8Array) {
    this.#own = own
    this.#looks = new Looks([own])
    this.context({ policy: {}, rotations: [] })
  }

  context({ policy, rotations }: { policy: Partial<typeof defaultIdentityPolicy>; rotations: RotationRecord[] }): void {
    this.extensions = withIdentityContext([], { policy: { ...defaultIdentityPolicy, ...policy }, rotations })
    this.epoch++
  }

  sit(seat: number, who: Slot | undefined): void {
    this.#slots[seat] = who
    this.tree = new Seats(Array.from({ length: Math.max(seats, this.#slots.length) }, (_, i) => this.#slots[i]?.node))
    this.epoch++
  }

  believe(account: Uint8Array, pin: ContactPin | undefined): void {
    this.#believed.set(key(account), pin)
    if (pin !== undefined && !this.#contacts.some((one) => key(one) === key(account))) this.#contacts.push(account)
    this.#changed.push(account)
  }

  get group(): RuleGroup {
    return { groupId: new Uint8Array(1), epoch: this.epoch, extensions: this.extensions, tree: this.tree }
  }

  get knowledge(): GroupKnowledge {
    return {
      suite,
      now: this.time,
      own: this.#own,
      pin: (account) => this.#believed.get(key(account)),
      contacts: this.#contacts,
    }
  }

  /** Tells the index what has changed. Returns how many leaves it looked at. */
  update(): number {
    for (const contact of this.#contacts) this.#looks.add(contact)
    const [before, after] = [this.#last.leaves, this.tree.leaves]
    const leaves = Array.from({ length: Math.max(before.length, after.length) }, (_, leafIndex) => ({
      leafIndex,
      before: before[leafIndex],
      after: after[leafIndex],
    })).filter((one) => one.before !== one.after)
    const { contacts: _, ...knowledge } = this.knowledge
    const looked = this.index.update({
      group: this.group,
      knowledge,
      leaves,
      accounts: this.#changed,
      leavesOf: (account) =>
        this.#slots.flatMap((one, i) => (one !== undefined && key(one.account) === key(account) ? [i] : [])),
      looks: this.#looks,
    })
    this.#last = this.tree
    this.#changed = []
    return looked.size
  }
}

type Act = (stage: Stage) => void
const act: fc.Arbitrary<Act> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.tuple(fc.nat(seats - 1), fc.nat(names.length * 6)).map(
      ([seat, n]): Act =>
        (stage) =>
          stage.sit(seat, slots[n]),
    ),
  },
  {
    weight: 4,
    arbitrary: fc.tuple(fc.constantFrom(...names), fc.nat(7)).map(
      ([name, n]): Act =>
        (stage) => {
          const account = utf8(`${name}@example.org`)
          stage.believe(account, pins.get(key(account))![n])
        },
    ),
  },
  {
    weight: 2,
    arbitrary: fc.integer({ min: -3, max: 4 }).map(
      (days): Act =>
        (stage) =>
          (stage.time += BigInt(days) * day),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.nat(4).map(
      (n): Act =>
        (stage) =>
          (stage.epoch += BigInt(n)),
    ),
  },
  {
    weight: 1,
    arbitrary: fc
      .record({
        mode: fc.constantFrom('tofu', 'pinned', 'verified'),
        maxCertificateAge: fc.constantFrom(0, 4, 9),
        rotationGrace: fc.constantFrom(2, 64),
        which: fc.subarray([0, 1, 2, 3, 4, 5]),
      })
      .map(
        ({ which, ...policy }): Act =>
          (stage) =>
            stage.context({
              policy: policy as Partial<typeof defaultIdentityPolicy>,
              rotations: which.map((i) => records[i]!),
            }),
      ),
  },
)

describe('facts that are kept', () => {
  test('are those of a look at the whole group, whatever happens', () => {
    const kinds = new Set<string>()
    fc.assert(
      fc.property(fc.array(fc.tuple(act, fc.boolean()), { minLength: 10, maxLength: 60 }), (acts) => {
        const stage = new Stage(slots[0]!.account)
        for (const [one, look] of acts) {
          one(stage)
          if (!look) continue
          stage.update()
          const whole = groupFacts(stage.group, stage.knowledge)
          expect(stage.index.all()).toEqual(whole)
          for (const { kind } of whole) kinds.add(kind)
        }
      }),
      { numRuns: 300, seed: 20_261_123 },
    )
    // the walk has seen all that can be said
    expect([...kinds].sort()).toEqual(
      [
        'account',
        'confusable',
        'expired',
        'old_root',
        'over',
        'pin_mismatch',
        'revoked',
        'stale',
        'unknown',
        'unlisted',
        'unverified',
      ].sort(),
    )
  })

  test('cost what has changed, however many leaves there are', async () => {
    const costs: number[][] = []
    const crowd = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => slot(`user${i}`, 'phone', 0, now + 90n * day)),
    )
    for (const size of [50, 1000]) {
      const stage = new Stage(slots[0]!.account)
      const many = crowd.slice(0, size)
      for (const [i, one] of many.entries()) stage.sit(i, one)
      expect(stage.update()).toBe(size)
      const cost: number[] = []
      const count = (): void => {
        stage.tree.looks = 0
        stage.tree.scans = 0
        cost.push(stage.update(), stage.tree.looks, stage.tree.scans)
      }
      count()
      stage.sit(3, slots[0])
      count()
      stage.sit(4, undefined)
      count()
      stage.epoch++
      count()
      stage.time += day
      count()
      stage.believe(many[7]!.account, undefined)
      count()
      costs.push(cost)
    }
    expect(costs[0]).toEqual(costs[1])
    expect(costs[0]).toEqual(
      [
        [0, 0, 0],
        [1, 0, 0],
        [1, 0, 0],
        [0, 0, 0],
        [0, 0, 0],
        [1, 1, 0],
      ].flat(),
    )
  })
})

test('moments are taken in time, once, and as they were set last', () => {
  const set = fc.tuple(fc.nat(20), fc.option(fc.bigInt(0n, 30n), { nil: undefined }), fc.option(fc.bigInt(0n, 30n)))
  fc.assert(
    fc.property(fc.array(set, { maxLength: 200 }), (steps) => {
      const [heap, plain] = [new Deadlines<number>(), new Map<number, bigint>()]
      for (const [thing, at, time] of steps) {
        heap.set(thing, at)
        if (at === undefined) plain.delete(thing)
        else plain.set(thing, at)
        if (time === null) continue
        const passed = [...plain].flatMap(([one, moment]) => (moment < time ? [one] : []))
        for (const one of passed) plain.delete(one)
        expect(heap.takePassed(time).sort()).toEqual(passed.sort())
        expect(heap.size).toBe(plain.size)
      }
    }),
  )
})
