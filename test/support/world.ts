/** Small live groups to forge messages in: each member is kept as a snapshot, and every case works on copies of its own. */
import { expect, test } from 'vitest'
import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import { type Bytes, equalBytes } from '../../src/bytes/bytes.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { type GroupOptions, makeConfig } from '../../src/group/defaults.ts'
import type { Group } from '../../src/group/group.ts'
import { decodeSnapshot } from '../../src/group/snapshot.ts'
import type { GroupState } from '../../src/group/state.ts'
import {
  type CapabilitiesInput,
  createGroup,
  createIdentity,
  createKeyPackage,
  type Extension,
  type Identity,
  joinGroup,
  type KeyPackageBundle,
  makeCapabilities,
  restoreGroup,
  systemClock,
} from '../../src/index.ts'
import type { FramedWireFormat } from '../../src/wire/framed-content.ts'
import { openSuite } from './suite.ts'

export const suite = openSuite(1)
export const names = ['alice', 'bob', 'carol', 'dave', 'erin', 'frank'] as const

/** What a world is made of. */
export interface WorldInput {
  readonly members: number
  readonly options?: GroupOptions
  readonly extensions?: readonly Extension[]
  readonly capabilities?: CapabilitiesInput
  /** Members that commit once after joining, in this order; all by default. */
  readonly commits?: readonly number[]
  /** A leaf that is removed at the end, by leaf 0. */
  readonly removed?: number
}

/** Members of one group in one epoch. */
export interface World {
  readonly input: WorldInput
  readonly identities: readonly Identity[]
  /** A copy of the group at a member. */
  restore(member: number, changed?: GroupOptions): Group
  /** The state of such a copy, with all its secrets: what a malicious member has. */
  state(member: number): GroupState
  /** An application message that a member can read, by another one. */
  genuine(member: number): Bytes
}

const worlds = new Map<string, Promise<World>>()

/** A world that a file of tests uses again and again. */
export function sharedWorld(name: string, input: WorldInput): Promise<World> {
  const known = worlds.get(name) ?? makeWorld(input)
  worlds.set(name, known)
  return known
}

export function capabilitiesOf(input: Pick<WorldInput, 'capabilities'>): ReturnType<typeof makeCapabilities> {
  return makeCapabilities(suite, { grease: false, ...input.capabilities })
}

/** A KeyPackage that the group of a world accepts. */
export function newcomer(world: World, name = 'grace'): Promise<KeyPackageBundle> {
  const identity = createIdentity(suite, name)
  return createKeyPackage({ suite, identity, capabilities: capabilitiesOf(world.input) })
}

export async function makeWorld(input: WorldInput): Promise<World> {
  const { members, options = {}, extensions = [] } = input
  const identities = names.slice(0, members).map((name) => createIdentity(suite, name))
  const capabilities = capabilitiesOf(input)
  const first = await createGroup({ suite, identity: identities[0]!, capabilities, extensions, options })
  const groups = [first]
  if (members > 1) {
    const add = await Promise.all(
      identities.slice(1).map((identity) => createKeyPackage({ suite, identity, capabilities })),
    )
    const { staged } = await first.commit({ add })
    const welcome = first.merge(staged).welcome!
    for (const keyPackage of add) groups.push(await joinGroup({ suite, keyPackage, welcome, options }))
  }
  for (const committer of input.commits ?? groups.keys()) {
    const { commit, staged } = await groups[committer]!.commit()
    groups[committer]!.merge(staged)
    for (const group of groups) if (group !== groups[committer]) await group.receive(commit)
  }
  const gone = input.removed
  if (gone !== undefined) {
    const { commit, staged } = await first.commit({ remove: [gone] })
    first.merge(staged)
    for (const [i, group] of groups.entries()) if (i !== 0) await group.receive(commit)
  }
  return worldOf(input, identities, groups)
}

/** The world of groups that have come to one epoch in another way. */
export function worldOf(input: WorldInput, identities: readonly Identity[], groups: readonly Group[]): World {
  const snapshots = groups.map((group) => (group.status === 'active' ? group.snapshot() : undefined))
  const { options = {} } = input
  const config = makeConfig(options, {
    authentication: basicAuthentication(),
    psks: { externalPsk: () => undefined },
    clock: systemClock,
  })
  const restore = (member: number, changed: GroupOptions = {}): Group =>
    restoreGroup(snapshots[member]!, { suite, signers: [identities[member]!], options: { ...options, ...changed } })
  const messages = new Map<number, Bytes>()
  return {
    input,
    identities,
    restore,
    state: (member) => decodeSnapshot(snapshots[member]!, { suite, config, signer: () => identities[member]!.signer }),
    genuine(member) {
      const by = groups.findIndex((group, i) => i !== member && group.status === 'active')
      const message = messages.get(by) ?? restore(by).protect(new Uint8Array([1, 2, 3]))
      messages.set(by, message)
      return message
    },
  }
}

/** What a promise ends in: the rule or code of an `MlsError`, anything else as text, or `undefined` when it holds. */
export async function outcomeOf(work: () => unknown): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    return error instanceof MlsError ? (error.rule ?? error.code) : `not typed: ${String(error)}`
  }
}

/** What a member got before. */
export interface Earlier {
  readonly earlier?: readonly Uint8Array[]
  /** Without it a genuine application message must work afterwards. */
  readonly after?: (group: Group) => Promise<void>
}

/** The message is rejected for this rule, nothing has changed, and the next genuine message works. */
export async function expectRejected(
  world: World,
  member: number,
  message: Uint8Array,
  rule: string,
  { earlier = [], after }: Earlier = {},
): Promise<void> {
  const group = world.restore(member)
  for (const one of earlier) await group.receive(one)
  const before = group.snapshot()
  expect(await outcomeOf(() => group.receive(message))).toBe(rule)
  expect(equalBytes(group.snapshot(), before)).toBe(true)
  if (after !== undefined) return after(group)
  expect((await group.receive(world.genuine(member))).kind).toBe('message')
}

/** The message is a commit, and is applied. */
export async function expectAccepted(
  world: World,
  member: number,
  message: Uint8Array,
  earlier: readonly Uint8Array[] = [],
): Promise<Group> {
  const group = world.restore(member)
  for (const one of earlier) await group.receive(one)
  expect(await outcomeOf(async () => expect((await group.receive(message)).kind).toBe('commit'))).toBe(undefined)
  return group
}

/** Registers a case once for each wire format (V279). */
export function bothFormats(title: string, run: (format: FramedWireFormat) => Promise<void>): void {
  test(`${title}, in a PublicMessage`, () => run('mls_public_message'))
  test(`${title}, in a PrivateMessage`, () => run('mls_private_message'))
}

/** A copy with one bit of one byte flipped; counted from the end when negative. */
export function flip(bytes: Uint8Array, index = 0): Bytes {
  const copy = Uint8Array.from(bytes)
  const at = index < 0 ? copy.length + index : index
  copy[at] = copy[at]! ^ 1
  return copy
}
