/**
 * Code points of RFC 9420 §17 as data. Open registries are numbers: unknown and GREASE values survive a round trip; closed
 * enumerations are string literals beside the struct that uses them.
 */

/** RFC 9420 §6: the one protocol version. */
export const mls10 = 1

/** Extension types of RFC 9420 §17.3 and of drafts in use. */
export const extensionTypes = {
  applicationId: 0x0001,
  ratchetTree: 0x0002,
  requiredCapabilities: 0x0003,
  externalPub: 0x0004,
  externalSenders: 0x0005,
  /** A dictionary of components (draft-ietf-mls-extensions). */
  appDataDictionary: 0x0006,
  /** Marks a KeyPackage as the last resort (RFC 9420 §16.8; draft-ietf-mls-extensions). */
  lastResort: 0x000a,
  /** The same dictionary under a private number, for groups whose members do not all know the draft's. */
  privateDictionary: 0xf0a1,
} as const

/** Proposal types of RFC 9420 §17.4. */
export const proposalTypes = {
  add: 0x0001,
  update: 0x0002,
  remove: 0x0003,
  psk: 0x0004,
  reinit: 0x0005,
  external_init: 0x0006,
  group_context_extensions: 0x0007,
} as const

/** Proposal types of draft-ietf-mls-extensions, which are used as custom proposals are. */
export const draftProposalTypes = { appEphemeral: 0x0009 } as const

/** Credential types of RFC 9420 §17.5. */
export const credentialTypes = { basic: 0x0001, x509: 0x0002 } as const

/** RFC 9420 §7.2: types that every client supports and that are never listed in capabilities (V108, V109). */
export const defaultExtensionTypes: ReadonlySet<number> = new Set([1, 2, 3, 4, 5])
/** RFC 9420 §7.2: proposal types that every client supports and that are never listed in capabilities (V108). */
export const defaultProposalTypes: ReadonlySet<number> = new Set([1, 2, 3, 4, 5, 6, 7])

/** RFC 9420 §13.5: the fifteen values 0x0A0A, 0x1A1A, ... 0xEAEA. */
export const greaseValues: readonly number[] = Array.from(
  { length: 15 },
  (_, i) => (i << 12) | 0x0a00 | (i << 4) | 0x0a,
)

/** Whether a code point is one of the GREASE values (RFC 9420 §13.5). */
export function isGrease(value: number): boolean {
  return (value & 0x0f0f) === 0x0a0a && value >> 12 === ((value >> 4) & 0x0f) && value < 0xf000
}
