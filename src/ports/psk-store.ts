/** External pre-shared keys (RFC 9420 §8.4); resumption PSKs are the engine's own. */
export interface PskStore {
  /** The key, or `undefined` when it is not known (yet): the commit then waits (V201). The bytes are not changed. */
  externalPsk(pskId: Uint8Array): Uint8Array | undefined | Promise<Uint8Array | undefined>
}
