/**
 * The names of the wire format, in one place. The namespace carries its version; see `spec-notes/xmpp/mls.md`.
 */

/** Namespace of all elements of the binding. */
export const mlsNamespace = 'xmpp:xmpp-mls.org:mls:0'

/** Personal node of KeyPackages: one item for each device. */
export const keyPackagesNode = `${mlsNamespace}:keypackages`

/** Namespace of account identities, whose elements travel inside messages; it carries its version. */
export const identityNamespace = 'xmpp:xmpp-mls.org:identity:0'

/** Code points of GroupContext extensions, from the range for private use (RFC 9420 §17.3). */
export const mlsExtensions = {
  /** Binds a group to its room. */
  room: 0xf4a0,
  /** Rules that every member applies. */
  policy: 0xf4a1,
} as const
