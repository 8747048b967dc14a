/** Bounds of one secret tree (RFC 9420 §15.2, §15.3; R04-R06). They bound what one client does, not what is valid. */
export interface SecretTreeLimits {
  /** R04: generations that a message may lie ahead of the last one of its sender. */
  readonly forwardSteps: number
  /** R06: keys of skipped generations that are kept for one sender, both ratchets together; also the out-of-order window. */
  readonly skippedPerSender: number
  /** R06: keys of skipped generations that are kept for all senders together. */
  readonly skippedPerGroup: number
  /** R05: failures of one sender in an epoch after which only short steps are followed, until a message holds. */
  readonly failures: number
  /** R05: what a short step is, in generations. */
  readonly stepsAfterFailures: number
  /** V214: messages that this client encrypts in one epoch. */
  readonly sealedMessages: number
  /** V214: bytes that this client encrypts in one epoch. */
  readonly sealedBytes: number
}

/**
 * The bounds that a client uses when it has no reason for others. Every message has a key of its own, so the AEAD bounds of
 * RFC 9420 §15.2 are far away; 2^24 messages and 2^36 bytes keep the number of blocks under all keys of a large group below
 * 2^50.
 */
export const secretTreeLimits: SecretTreeLimits = {
  forwardSteps: 1000,
  skippedPerSender: 256,
  skippedPerGroup: 4096,
  failures: 8,
  stepsAfterFailures: 32,
  sealedMessages: 2 ** 24,
  sealedBytes: 2 ** 36,
}
