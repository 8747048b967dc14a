/** What the groups of one store share, and what an application gives. */
import type { GroupConfig } from '../commit/config.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { JoinExternalInput } from '../group/create-group.ts'
import type { Anchor } from '../ports/anchor.ts'
import type { Storage } from '../ports/storage.ts'
import type { Signer } from '../signed/signer.ts'
import type { RandomBytes } from '../storage/owner.ts'
import type { CellContext, GroupCell } from './cell.ts'
import type { Outbox } from './outbox.ts'

/** A store whose deletions can be made final and whose keys can be blinded; `openSealedStorage` makes one. */
export interface ShreddingStorage extends Storage {
  shred?(): Promise<void>
  blind?(identifier: Uint8Array): Uint8Array
}

/** What a group store is made of. */
export interface GroupStoreOptions {
  /** An open store; sealed, where it shall be encrypted. Closed with the group store. */
  readonly storage: ShreddingStorage
  readonly config: GroupConfig
  /** The cipher suite with a code point. @throws `suite/unsupported` */
  readonly suite: (id: number) => CipherSuite
  /** The signer of a signature key; signature keys are not in this store. */
  readonly signer: (signatureKey: Uint8Array) => Signer | undefined
  readonly randomBytes: RandomBytes
  /** A second place that tells a restored copy from the store that it was made of. */
  readonly anchor?: Anchor
  /** Whether application messages are kept, where a call does not say; off by default. */
  readonly keepHistory?: boolean
  /** Generations that one write sets apart, skipped after a crash; 32 by default, 1 to 256. */
  readonly reserve?: number
  /** How long keys of messages that have not come yet are kept, in milliseconds; three days by default. */
  readonly keyAge?: number
}

/** How to join again; the leaf to be replaced is the old own one by default. */
export type JoinAgain = Omit<JoinExternalInput, 'suite' | 'config' | 'previous'> & { readonly id?: string }

/** What the groups of one store share. */
export interface StoreContext extends CellContext {
  readonly storage: ShreddingStorage
  readonly outbox: Outbox
  readonly config: GroupConfig
  readonly randomBytes: RandomBytes
  readonly keepHistory: boolean
  load(life: Uint8Array, cipherSuite: number): Promise<GroupCell>
  shred(): Promise<void>
}
