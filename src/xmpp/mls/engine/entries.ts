/** What a room holds, as the engine reads it. */
import type { Bytes } from '../../../bytes/bytes.ts'
import type { HandshakeKind } from '../wire/handshake.ts'
import type { MlsRequest } from '../wire/request.ts'

/** One entry of the room, with everything fetched that it refers to. */
export interface EngineEntry {
  readonly archiveId: string
  /** Real bare JID as the room says. */
  readonly from: string | undefined
  readonly item: EntryItem
}

/** What an entry is. */
export type EntryItem =
  | { readonly kind: 'encrypted'; readonly group: Bytes; readonly bytes: Bytes }
  | {
      readonly kind: 'handshake'
      readonly handshake: HandshakeKind
      readonly group: Bytes
      readonly epoch: bigint
      readonly bytes: Bytes | undefined
      readonly groupInfo: Bytes | undefined
      readonly tree:
        | {
            readonly bytes: Bytes
            readonly at: string | undefined
            readonly request: string | undefined
            readonly leaf: number | undefined
          }
        | undefined
    }
  | { readonly kind: 'request'; readonly request: MlsRequest }
  /** Content of the binding that cannot be had. */
  | { readonly kind: 'broken'; readonly reason: 'malformed' | 'too-large' | 'unavailable' }
  | { readonly kind: 'other' }
