/** From bytes that a server or a peer shows to something that `advance` takes. */
import { MlsError } from '../bytes/errors.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import type { ContactObservation } from './contact.ts'
import { identityLimits } from './limits.ts'
import { type VerifiedManifest, verifyManifest } from './manifest.ts'
import { decodeRotation, type RotationStatement } from './rotation.ts'

/** What the nodes of an account hold, as bytes. */
export interface Publication {
  /** The item `current` of the manifest node. */
  readonly current: Uint8Array
  /** Manifests of the log, oldest first. */
  readonly manifests?: readonly Uint8Array[]
  /** Rotation statements of the log, oldest first. */
  readonly rotations?: readonly Uint8Array[]
}

/** A publication that was read, and what of its log did not hold. */
export interface ReadPublication {
  readonly observation: ContactObservation & { readonly kind: 'published' }
  /** Errors of log entries that were passed over: anybody who can write the log can fill it. */
  readonly rejected: readonly MlsError[]
}

/**
 * Decodes and verifies a publication. Of the log the newest entries are taken, 255 at most.
 * @throws as `verifyManifest` when the current manifest does not hold
 */
export function readPublication(suite: CipherSuite, publication: Publication): ReadPublication {
  const current = verifyManifest(suite, publication.current)
  const rejected: MlsError[] = []
  const tried = <T>(entries: readonly Uint8Array[], read: (bytes: Uint8Array) => T): T[] =>
    entries.flatMap((bytes) => {
      try {
        return [read(bytes)]
      } catch (error) {
        if (!(error instanceof MlsError)) throw error
        rejected.push(error)
        return []
      }
    })
  const room = identityLimits.walkSteps - 1
  const statements = newest(publication.rotations, room >> 1)
  const rotations: RotationStatement[] = tried(statements, decodeRotation)
  const entries = newest(publication.manifests, room - statements.length)
  const manifests: VerifiedManifest[] = tried(entries, (bytes) => verifyManifest(suite, bytes))
  return { observation: { kind: 'published', current, log: { manifests, rotations } }, rejected }
}

function newest(entries: readonly Uint8Array[] = [], count: number): readonly Uint8Array[] {
  return entries.slice(Math.max(0, entries.length - count))
}
