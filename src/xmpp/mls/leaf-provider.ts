/** What an identity client adds to the leaves, groups and commits of the binding. See `MlsClientOptions.leaf`. */
import type { CommitOptions } from '../../group/commit-options.ts'
import type { Group } from '../../group/group.ts'
import type { CustomProposalType } from '../../proposals/proposal-rules.ts'
import type { Extension } from '../../wire/extension.ts'

/** The own leaf that extensions are asked for. */
export interface OwnLeaf {
  /** Bare JID. */
  readonly account: string
  /** 32 hexadecimal digits. */
  readonly device: string
  readonly signatureKey: Uint8Array
}

/** See the file. */
export interface LeafProvider {
  /** Types of extensions that own leaves support beyond those of the binding. */
  readonly extensionTypes: readonly number[]
  /** Types of proposals beyond RFC 9420 that own leaves support and that groups accept. */
  readonly customProposals: readonly CustomProposalType[]
  /**
   * Extensions of own leaves, in KeyPackages, new groups and external joins: the certificate of the device. `begins` is the
   * epoch that begins with the leaf, where that is known: for external joins. After a copy of the storage was noticed it is
   * asked for a new signature key, which is taken only if all types come back that the present key has, one at least; a
   * provider with {@link renewKey} is asked that instead.
   */
  leafExtensions(leaf: OwnLeaf, begins?: bigint): readonly Extension[] | Promise<readonly Extension[]>
  /** Another copy of this device was noticed in a room: until it joins again it only receives there. Never throws. */
  copied?(): void
  /**
   * The device is about to join again after that, with the key of `leaf`, a new one where it may: certifies the key.
   * Resolves whether the key may be taken; the present one stays otherwise. What it throws fails the rejoin.
   */
  renewKey?(leaf: OwnLeaf): Promise<boolean>
  /** Extensions of the GroupContext of a group that is made here, beside those of the binding. */
  groupExtensions?(leaf: OwnLeaf): readonly Extension[]
  /** The last word on an own commit: evidence for its Removes, a renewed certificate. What it throws fails the commit. */
  commitOptions?(group: Group, options: CommitOptions): CommitOptions | Promise<CommitOptions>
}
