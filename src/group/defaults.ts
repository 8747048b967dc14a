/** Defaults of a client: capabilities, lifetimes, limits, configuration. */
import { defaultSliceMilliseconds } from '../bytes/slices.ts'
import type { GroupConfig } from '../commit/config.ts'
import type { Limits } from '../commit/limits.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { suites } from '../crypto/suites.ts'
import { secretTreeLimits } from '../secret-tree/limits.ts'
import type { Extension } from '../wire/extension.ts'
import type { Capabilities, Lifetime } from '../wire/leaf-node.ts'
import { credentialTypes, extensionTypes, greaseValues, isGrease, mls10 } from '../wire/registries.ts'

/** The bounds of one client (R04-R15, R28); bounds on group states are constants, see `wireLimits`. */
export const defaultLimits: Limits = {
  ...secretTreeLimits,
  proposalsPerEpoch: 256,
  proposalsPerSender: 32,
  proposalBytes: 1024 * 1024,
  pastEpochs: 4,
  pastEpochMilliseconds: 24 * 60 * 60 * 1000,
  resumptionPsks: 64,
  sliceMilliseconds: defaultSliceMilliseconds,
}

/** What an application adds to the capabilities of its leaves. */
export interface CapabilitiesInput {
  /** Extension types beyond those of RFC 9420. */
  readonly extensions?: readonly number[]
  /** Proposal types beyond those of RFC 9420. */
  readonly proposals?: readonly number[]
  /** Credential types; by default basic and x509. */
  readonly credentials?: readonly number[]
  /** Whether GREASE values are mixed in (RFC 9420 §13.5); on by default. */
  readonly grease?: boolean
}

/**
 * Capabilities of this package (RFC 9420 §7.2), with one random GREASE value in each list that may hold one (§13.5). They are
 * for others to read: nothing is chosen from them (V341).
 */
export function makeCapabilities(suite: CipherSuite, input: CapabilitiesInput = {}): Capabilities {
  const grease = (list: readonly number[]): readonly number[] => {
    if (input.grease === false) return list
    const [random = 0] = suite.randomBytes(1)
    const value = greaseValues[random % greaseValues.length]
    return value === undefined ? list : [...list, value]
  }
  return {
    versions: [mls10],
    cipherSuites: grease(suites.map(({ id }) => id)),
    extensions: grease([extensionTypes.lastResort, ...(input.extensions ?? [])]),
    proposals: grease(input.proposals ?? []),
    credentials: grease(input.credentials ?? [credentialTypes.basic, credentialTypes.x509]),
  }
}

/**
 * A GREASE extension for a LeafNode or KeyPackage with these capabilities (RFC 9420 §13.5): of the value that they list, so
 * that the two agree (§7.3); none where they list none. Appended to `given`, unless that has GREASE of its own.
 */
export function withGrease(given: readonly Extension[], { extensions }: Capabilities): readonly Extension[] {
  const extensionType = extensions.find(isGrease)
  if (extensionType === undefined || given.some((extension) => isGrease(extension.extensionType))) return given
  return [...given, { extensionType, extensionData: new Uint8Array(0) }]
}

/** The longest lifetime of a leaf that is accepted, in seconds (V105): a year and a day for clocks. */
export const maxLifetimeSeconds = 366n * 24n * 60n * 60n

/** A lifetime from an hour ago, for clocks that are behind, until `seconds` from now; 84 days by default. */
export function makeLifetime(nowMilliseconds: number, seconds = 84 * 24 * 60 * 60): Lifetime {
  const now = BigInt(Math.floor(nowMilliseconds / 1000))
  return { notBefore: now > 3600n ? now - 3600n : 0n, notAfter: now + BigInt(seconds) }
}

/** Parts of the configuration that an application may set. */
export type GroupOptions = Partial<Omit<GroupConfig, 'limits'>> & { readonly limits?: Partial<Limits> }

/** Completes a configuration. `ports` are what only the entry point can know. */
export function makeConfig(
  options: GroupOptions,
  ports: Pick<GroupConfig, 'authentication' | 'psks' | 'clock' | 'pause'>,
): GroupConfig {
  return {
    ...ports,
    policy: () => true,
    customProposals: [],
    padding: { kind: 'padme' },
    handshakes: 'mls_private_message',
    acceptHandshakes: ['mls_private_message', 'mls_public_message'],
    ratchetTreeExtension: true,
    externalPub: true,
    maxLifetimeSeconds,
    ...options,
    limits: { ...defaultLimits, ...options.limits },
  }
}
