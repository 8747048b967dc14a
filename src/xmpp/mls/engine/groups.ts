/** Groups as the engine opens them: with the rules of the binding. */
import type { Bytes } from '../../../bytes/bytes.ts'
import { MlsError } from '../../../bytes/errors.ts'
import { toHex } from '../../../bytes/text.ts'
import type { GroupConfig } from '../../../commit/config.ts'
import type { Member } from '../../../commit/member.ts'
import type { CipherSuite } from '../../../crypto/cipher-suite.ts'
import {
  createGroupWith,
  type ExternalJoin,
  joinExternalWith,
  joinGroupWith,
  restoreGroupWith,
} from '../../../group/create-group.ts'
import { defaultLimits, makeCapabilities, makeConfig } from '../../../group/defaults.ts'
import { decodeEarlier } from '../../../group/earlier.ts'
import { Group } from '../../../group/group.ts'
import type { KeyPackageBundle } from '../../../group/key-package.ts'
import type { RestoreInput } from '../../../group/stored-parts.ts'
import { systemPause } from '../../../providers/system-pause.ts'
import type { Extension } from '../../../wire/extension.ts'
import type { Capabilities } from '../../../wire/leaf-node.ts'
import { decodeMlsMessage } from '../../../wire/mls-message.ts'
import { allowsCommit, groupExtensions, type RoomBinding, roomBindingOf } from '../extensions.ts'
import { forkTag } from '../header.ts'
import { deviceOf, sameBytes } from '../identity.ts'
import type { LeafProvider, OwnLeaf } from '../leaf-provider.ts'
import type { Participant, RoomPolicy } from '../types.ts'
import { mlsExtensions } from '../wire/namespace.ts'
import type { Turn } from './events.ts'
import type { EngineContext } from './state.ts'

/** Capabilities of leaves of the binding. */
export function roomCapabilities(suite: CipherSuite, leaf?: LeafProvider): Capabilities {
  return makeCapabilities(suite, {
    extensions: [mlsExtensions.room, mlsExtensions.policy, ...(leaf?.extensionTypes ?? [])],
    proposals: (leaf?.customProposals ?? []).map(({ type }) => type),
  })
}

/** What the own leaf is, for a provider of extensions. */
type LeafOwner = Pick<EngineContext, 'identity' | 'account' | 'device' | 'leaf'>
const ownLeaf = ({ account, device, identity }: LeafOwner): OwnLeaf => ({
  account,
  device,
  signatureKey: identity.signer.publicKey,
})

/** Extensions of own leaves. */
export async function ownLeafExtensions(owner: LeafOwner, begins?: bigint): Promise<readonly Extension[]> {
  return (await owner.leaf?.leafExtensions(ownLeaf(owner), begins)) ?? []
}

/** The epoch that an external commit by a GroupInfo begins. */
function epochAfter(groupInfo: Bytes): bigint | undefined {
  const message = decodeMlsMessage(groupInfo)
  return message.wireFormat === 'mls_group_info' ? message.groupInfo.groupContext.epoch + 1n : undefined
}

/** A configuration whose policy looks at the group in `cell`. Trees travel beside Welcomes and GroupInfos. */
function configOf(context: EngineContext, cell: { group: Group | undefined }): GroupConfig {
  const { authentication, clock, rules, leaf, retention = {} } = context
  const { pastEpochs = defaultLimits.pastEpochs, pastEpochMs = defaultLimits.pastEpochMilliseconds } = retention
  return makeConfig(
    {
      rules,
      customProposals: leaf?.customProposals ?? [],
      ratchetTreeExtension: false,
      limits: { pastEpochs, pastEpochMilliseconds: pastEpochMs },
      policy: (changes) => cell.group === undefined || allowsCommit(cell.group, changes),
    },
    { authentication, psks: { externalPsk: () => undefined }, clock, pause: systemPause },
  )
}

/** A new group for the room. */
export async function createRoomGroup(
  context: EngineContext,
  policy: RoomPolicy,
  direct: readonly string[],
): Promise<Group> {
  const { suite, identity, room, kind, account } = context
  const binding: RoomBinding = { room, kind, created: context.clock.now(), creator: account, direct }
  const cell: { group: Group | undefined } = { group: undefined }
  cell.group = await createGroupWith({
    suite,
    config: configOf(context, cell),
    identity,
    capabilities: roomCapabilities(suite, context.leaf),
    leafExtensions: await ownLeafExtensions(context),
    groupId: suite.randomBytes(16),
    extensions: [...groupExtensions(binding, policy), ...(context.leaf?.groupExtensions?.(ownLeaf(context)) ?? [])],
  })
  return cell.group
}

/** What a stored group needs to be restored, and what it is told then. */
export function restoreInput(context: EngineContext): { readonly input: RestoreInput; bind(group: Group): void } {
  const cell: { group: Group | undefined } = { group: undefined }
  const { suite, identity } = context
  const { signer } = identity
  return {
    input: {
      suite,
      config: configOf(context, cell),
      signer: (key) => (sameBytes(key, signer.publicKey) ? signer : identity.signerOf?.(key)),
    },
    bind(group) {
      cell.group = group
    },
  }
}

/** The group of a snapshot. @throws `snapshot/…` */
export function restoreRoomGroup(context: EngineContext, snapshot: Uint8Array): Group {
  const { input, bind } = restoreInput(context)
  const group = restoreGroupWith(snapshot, input)
  bind(group)
  return group
}

/** The group before its last commit, of what `encodeEarlier` has kept of it. @throws `snapshot/…` */
export function restoreEarlierGroup(context: EngineContext, later: Group, earlier: Uint8Array): Group {
  const { input, bind } = restoreInput(context)
  const group = new Group(decodeEarlier(earlier, later.state, input))
  bind(group)
  return group
}

/** The group of a Welcome, which must be bound to the room. @throws as `joinGroup`; `policy/proposal` for another room */
export async function joinRoomGroup(
  context: EngineContext,
  input: { readonly welcome: Bytes; readonly tree: Bytes; readonly keyPackages: readonly KeyPackageBundle[] },
): Promise<{ readonly group: Group; readonly used: KeyPackageBundle }> {
  const cell: { group: Group | undefined } = { group: undefined }
  const { suite, room } = context
  const { welcome, keyPackages, tree } = input
  const joined = await joinGroupWith({
    suite,
    config: configOf(context, cell),
    welcome,
    keyPackages,
    ratchetTree: tree,
  })
  if (roomBindingOf(joined.group.extensions)?.room !== room) {
    joined.group.close()
    throw new MlsError('policy/proposal', 'a Welcome to a group of another room', { rule: 'S10' })
  }
  cell.group = joined.group
  return joined
}

/** An external join. @throws as `joinExternal`; `policy/external` for a group of another room */
export async function joinRoomExternally(
  context: EngineContext,
  input: { readonly groupInfo: Bytes; readonly tree: Bytes; readonly replaces: number | undefined },
): Promise<ExternalJoin> {
  const cell: { group: Group | undefined } = { group: undefined }
  const { suite, identity } = context
  const join = await joinExternalWith({
    suite,
    config: configOf(context, cell),
    identity,
    capabilities: roomCapabilities(suite, context.leaf),
    leafExtensions: await ownLeafExtensions(context, epochAfter(input.groupInfo)),
    groupInfo: input.groupInfo,
    ratchetTree: input.tree,
    ...(input.replaces === undefined ? {} : { replaces: input.replaces }),
  })
  return {
    ...join,
    complete() {
      // one and the same, which may be stored before it is used
      cell.group ??= join.complete()
      return cell.group
    },
  }
}

/** A member as the application sees it. Every credential of a group was accepted, so it names a device. */
export function participantOf(context: EngineContext, member: Member): Participant {
  const { credential, signatureKey, leafIndex, extensions } = member
  const { account, device } = deviceOf(credential) ?? { account: '', device: '' }
  const own = account === context.account && device === context.device
  return { account, device, leafIndex, own, trust: context.trust({ account, device, signatureKey, extensions }) }
}

/** The members of a group. */
export function participantsOf(context: EngineContext, group: Group): Participant[] {
  return [...group.members()].map((member) => participantOf(context, member))
}

/** The fork tag of the current epoch. */
export function currentFork({ state }: Turn, group: Group): Bytes {
  if (state.fork?.epoch !== group.epoch) state.fork = { epoch: group.epoch, tag: forkTag(group) }
  return state.fork.tag
}

/** A fresh id of 32 hexadecimal digits. */
export function engineId({ suite }: EngineContext): string {
  return toHex(suite.randomBytes(16))
}

/** After how long it is this member's turn to do what any member may: slot times of a rank that nobody can choose. */
export function turnOf({ context, state }: Turn): { readonly ms: number; readonly windowMs: number } {
  const { group } = state
  const { suite, settings } = context
  if (group === undefined) return { ms: 0, windowMs: settings.slotMs }
  const rank = (leafIndex: number): number => {
    const epoch = new Uint8Array(12)
    const view = new DataView(epoch.buffer)
    view.setBigUint64(0, group.epoch)
    view.setUint32(8, leafIndex)
    const hash = suite.hash(Uint8Array.from([...group.id, ...epoch]))
    return new DataView(hash.buffer, hash.byteOffset).getUint32(0)
  }
  const own = rank(group.leafIndex)
  let slot = own % 8
  if (group.memberCount <= 64) {
    slot = 0
    for (const { leafIndex } of group.members()) if (rank(leafIndex) < own) slot++
  }
  return slot < 8
    ? { ms: slot * settings.slotMs, windowMs: settings.slotMs / 4 }
    : { ms: 10 * settings.slotMs, windowMs: 30 * settings.slotMs }
}
