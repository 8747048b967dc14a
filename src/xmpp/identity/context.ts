/** What the parts of an identity client share. */
import type { Bytes } from '../../bytes/bytes.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import type { RandomSource, Timers, XmppPort } from '../port.ts'
import type { Directory } from './directory.ts'
import type { IdentityStore } from './store.ts'

/** See the file. */
export interface IdentityParts {
  readonly port: XmppPort
  readonly timers: Timers
  readonly random: RandomSource
  /** Cipher suite 1, whatever the suites of rooms are. */
  readonly suite: CipherSuite
  readonly store: IdentityStore
  readonly directory: Directory
  /** Looks at the own nodes as strangers see them, where there is such a connection. */
  readonly observer?: Directory | undefined
  /** Own bare JID. */
  readonly account: string
  /** The bytes of {@link account}. */
  readonly accountBytes: Bytes
  /** Own device id, 16 bytes. */
  readonly deviceId: Bytes
  /** Signature keys of the own device. */
  readonly leafKeys: readonly Bytes[]
}

/** Seconds since the Unix epoch, as the structures count them. */
export function secondsOf(timers: Timers): bigint {
  return BigInt(Math.max(0, Math.floor(timers.now() / 1000)))
}

/** Looks that are taken before a server is said to show something that is not right. */
export const maxLooks = 4

/**
 * Waits before the next look at nodes that show something strange: honest devices that publish at once, or one whose
 * answer is on the way, are done after a moment.
 * @param looks how many there were @param began when the last one began, in milliseconds: slow networks need longer
 */
export function beforeNextLook(timers: Timers, looks: number, began: number): Promise<void> {
  const ms = 1_000 * 2 ** looks + (timers.now() - began)
  return new Promise((resolve) => void timers.after(ms, resolve))
}
