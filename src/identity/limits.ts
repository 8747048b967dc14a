/** Bounds of identity structures; constants, equal for every client. Times are in seconds. */
const day = 86_400n

/** What an identity structure may hold at most (I003). */
export const identityLimits = {
  /** Bytes of a signed manifest. */
  manifestBytes: 65_536,
  /** Bytes of a rotation statement. */
  rotationBytes: 16_384,
  /** Bytes of a bare JID (RFC 7622 §3.1). */
  accountBytes: 3_071,
  /** Devices of an account. */
  devices: 128,
  /** Revocations in one manifest. */
  revoked: 1_024,
  /** Signature keys of one device, one for each scheme in use. */
  leafKeys: 8,
  /** Bytes of one signature key. */
  leafKeyBytes: 2_048,
  /** Bytes of the sealed name of a device. */
  encLabelBytes: 256,
  /** Statements about keys of other protocols. */
  others: 64,
  /** Bytes of one value in such a statement. */
  otherBytes: 128,
  /** Extensions of a manifest. */
  extensions: 16,
  /** Manifests that one manifest may merge, beside its predecessor. */
  mergedParents: 8,
  /** Contradictions of one account that are remembered. */
  conflicts: 8,
  /** Old roots of one contact that are remembered. */
  pastRoots: 16,
  /** Manifests and rotations in one walk. */
  walkSteps: 256,
  /** Heads under one Merkle root; also members of a group. */
  heads: 131_072,
  /** Bytes of one piece of evidence. */
  evidenceBytes: 262_144,
} as const

/** How long things live, in seconds. */
export const identityLifetimes = {
  /** The longest life of an OPS certificate and of a device's entry. */
  maxCertificate: 400n * day,
  /** The longest time that a manifest may claim to be fresh. */
  maxManifest: 90n * day,
  /** What this client asks for. */
  opsCertificate: 400n * day,
  device: 180n * day,
  manifest: 30n * day,
  probation: day,
  /** A device's entry is renewed silently when less than this is left. */
  renewDevice: 90n * day,
  /** A manifest is signed again when less than this is left. */
  renewManifest: 20n * day,
  /** The root is asked for when the OPS certificate has less than this left. */
  renewOps: 60n * day,
  /** How far the clock of another device may be ahead. */
  clockSkew: day,
} as const
