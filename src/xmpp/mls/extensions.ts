/** What a group says of itself in its GroupContext: the room that it belongs to, and its policy. */

import { fromUtf8, utf8 } from '../../bytes/text.ts'
import { type Codec, decode, encode, enumeration, opaque, struct, uint8, uint64, vec } from '../../codec/codec.ts'
import type { CommitChanges } from '../../commit/member.ts'
import type { Group } from '../../group/group.ts'
import { type Extension, findExtension } from '../../wire/extension.ts'
import { accountsIn } from './account-leaves.ts'
import { deviceOf } from './identity.ts'
import type { RoomPolicy } from './types.ts'
import { mlsExtensions } from './wire/namespace.ts'

/** The room of a group. A handshake of the group from anywhere else is not of the group (S10, S17). */
export interface RoomBinding {
  /** Bare JID. */
  readonly room: string
  readonly kind: 'muc' | 'mix'
  /** Milliseconds since the Unix epoch, by the creator's clock. */
  readonly created: number
  /** Bare JID of the creator. */
  readonly creator: string
  /** The two accounts of a one-to-one chat; empty for a room. */
  readonly direct: readonly string[]
}

const text: Codec<string> = {
  read: (reader) => fromUtf8(opaque.read(reader)),
  write: (writer, value) => opaque.write(writer, utf8(value)),
}
const WireRoomBinding = struct({
  version: uint8,
  room: text,
  kind: enumeration(uint8, { muc: 1, mix: 2 }, 'V029'),
  created: uint64,
  creator: text,
  direct: vec(text, 2),
})
const WirePolicy = struct({
  version: uint8,
  externalJoin: enumeration(uint8, { none: 0, 'same-account': 1, anyone: 2 }, 'V029'),
})

/** The policy of a group that says nothing. */
export const defaultPolicy: RoomPolicy = { externalJoin: 'same-account' }

/** The extensions of a group's GroupContext. */
export function groupExtensions(binding: RoomBinding, policy: RoomPolicy): readonly Extension[] {
  const room = encode(WireRoomBinding, { version: 1, ...binding, created: BigInt(binding.created) })
  return [
    { extensionType: mlsExtensions.room, extensionData: room },
    { extensionType: mlsExtensions.policy, extensionData: encode(WirePolicy, { version: 1, ...policy }) },
  ]
}

/** The extensions of a group with another policy. */
export function withPolicy(extensions: readonly Extension[], policy: RoomPolicy): readonly Extension[] {
  const extensionData = encode(WirePolicy, { version: 1, ...policy })
  return [
    ...extensions.filter(({ extensionType }) => extensionType !== mlsExtensions.policy),
    { extensionType: mlsExtensions.policy, extensionData },
  ]
}

/** The room of a group; `undefined` when its extension is missing or not understood. */
export function roomBindingOf(extensions: readonly Extension[]): RoomBinding | undefined {
  const found = read(extensions, mlsExtensions.room, WireRoomBinding)
  return found === undefined || found.version !== 1 ? undefined : { ...found, created: Number(found.created) }
}

/** The policy of a group. What is not understood allows nothing. */
export function policyOf(extensions: readonly Extension[]): RoomPolicy {
  if (findExtension(extensions, mlsExtensions.policy) === undefined) return defaultPolicy
  const found = read(extensions, mlsExtensions.policy, WirePolicy)
  return { externalJoin: found === undefined || found.version !== 1 ? 'none' : found.externalJoin }
}

function read<T>(extensions: readonly Extension[], type: number, codec: Codec<T>): T | undefined {
  const extension = findExtension(extensions, type)
  try {
    return extension === undefined ? undefined : decode(codec, extension.extensionData)
  } catch {
    return undefined
  }
}

/**
 * Whether a commit keeps the rules of the group before it. A pure function of the group's state and the commit: every
 * member answers the same, or the group would fork. Who may be in the room does not count here: the server says that.
 */
export function allowsCommit(group: Group, changes: CommitChanges): boolean {
  const { extensions } = group
  const bound = roomBindingOf(extensions)
  if (changes.extensions !== undefined) {
    // the room of a group never changes
    const next = roomBindingOf(changes.extensions)
    if (bound !== undefined && JSON.stringify(next) !== JSON.stringify(bound)) return false
  }
  const accounts = bound?.direct ?? []
  if (accounts.length === 2 && changes.added.some((one) => !accounts.includes(deviceOf(one.credential)?.account ?? '')))
    return false
  if (!changes.external) return true
  const joiner = deviceOf(changes.committer.credential)
  if (joiner === undefined || (accounts.length === 2 && !accounts.includes(joiner.account))) return false
  const { externalJoin } = policyOf(extensions)
  return externalJoin === 'same-account' ? accountsIn(group).has(joiner.account) : externalJoin === 'anyone'
}
