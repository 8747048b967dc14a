/** Groups of a few members, made through the public API alone. */
import { MlsError } from '../../src/bytes/errors.ts'
import {
  type Bytes,
  type CipherSuite,
  type CommitOptions,
  cipherSuite,
  createGroup,
  createIdentity,
  createKeyPackage,
  type Extension,
  type Group,
  type GroupOptions,
  type Identity,
  joinGroup,
  makeCapabilities,
  restoreGroup,
} from '../../src/index.ts'

export const suite: CipherSuite = await cipherSuite(1)
export const bytes = (...values: readonly number[]): Bytes => Uint8Array.from(values)

/** How to make a group. */
export interface MembersInput {
  readonly options?: GroupOptions
  readonly extensions?: readonly Extension[]
  readonly capabilities?: ReturnType<typeof makeCapabilities>
  /** The identity of a member, instead of a new one with its number as name. */
  readonly identity?: (member: number) => Identity
}

/** A group with all its members in one epoch; the first one created it. */
export interface Members {
  readonly groups: Group[]
  readonly identities: readonly Identity[]
  readonly input: MembersInput
  /** The group at a member, from its snapshot. */
  restored(member: number, options?: GroupOptions): Group
}

export async function members(count: number, input: MembersInput = {}): Promise<Members> {
  const { options = {}, extensions = [] } = input
  const capabilities = input.capabilities ?? makeCapabilities(suite)
  const identities = Array.from(
    { length: count },
    (_, i) => input.identity?.(i) ?? createIdentity(suite, `member ${i}`),
  )
  const first = await createGroup({ suite, identity: identities[0]!, capabilities, extensions, options })
  const groups = [first]
  const clock = options.clock === undefined ? {} : { clock: options.clock }
  const add = await Promise.all(
    identities.slice(1).map((identity) => createKeyPackage({ suite, identity, capabilities, ...clock })),
  )
  if (add.length > 0) {
    const { staged } = await first.commit({ add })
    const welcome = first.merge(staged).welcome!
    for (const keyPackage of add) groups.push(await joinGroup({ suite, keyPackage, welcome, options }))
  }
  return {
    groups,
    identities,
    input,
    restored: (member, changed = {}) =>
      restoreGroup(groups[member]!.snapshot(), { suite, signers: identities, options: { ...options, ...changed } }),
  }
}

/** One member commits, all the others and the member itself receive it. */
export async function commitIn(groups: readonly Group[], by: number, options: CommitOptions = {}): Promise<Uint8Array> {
  const { commit } = await groups[by]!.commit(options)
  for (const group of groups) if (group.status === 'active') await group.receive(commit)
  return commit
}

/** What a call ends in: the code of an `MlsError`, anything else as text, or `undefined` when it holds. */
export async function codeOf(work: () => unknown): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    return error instanceof MlsError ? error.code : `not typed: ${String(error)}`
  }
}
