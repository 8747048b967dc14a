/** Pre-shared keys from outside a group (RFC 9420 §8.4). */
export interface PskStore {
  /** The key, or `undefined` when it is not known (yet): the commit then waits (V201). The bytes are not changed. */
  externalPsk(pskId: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>
  /** The resumption PSK of an epoch of another group; those of the own group are the engine's. */
  resumptionPsk?(groupId: Uint8Array, epoch: bigint): Uint8Array | undefined | Promise<Uint8Array | undefined>
}
