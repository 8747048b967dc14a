/** The secrets of an owner while they are needed. */
import { type Bytes, wipe } from '../../bytes/bytes.ts'
import { check, MlsError } from '../../bytes/errors.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import type { NewRoot } from '../../identity/account.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import { decodeRecoveryCode } from '../../identity/recovery-code.ts'
import { type RootSigner, rootHash, rootSeed, rootSigner, sameRoot } from '../../identity/root-keys.ts'
import { keySigner } from '../../signed/signer.ts'

/** A new root with everything that belongs to it. */
export interface FreshRoot extends NewRoot {
  readonly generation: number
  /** 32 bytes. */
  readonly seed: Bytes
  /** Private key of OPS, 32 bytes. */
  readonly opsKey: Bytes
}

/** Root and OPS of a generation from R; the root after it is announced. */
export function freshRoot(suite: CipherSuite, secret: Uint8Array, generation: number, hybrid: boolean): FreshRoot {
  const seed = rootSeed(suite, secret, generation)
  const nextSeed = rootSeed(suite, secret, generation + 1)
  const next = rootSigner(suite, nextSeed, hybrid)
  const nextRootHash = rootHash(suite, next.root)
  next.wipe()
  wipe(nextSeed)
  const { privateKey } = suite.generateSignatureKeyPair()
  return {
    generation,
    seed,
    root: rootSigner(suite, seed, hybrid),
    opsKey: privateKey,
    ops: keySigner(suite, privateKey),
    nextRootHash,
  }
}

/** Works with the secret of a recovery code and wipes it. @throws `identity_recovery/…` */
export async function withRecoveryCode<T>(code: string, work: (secret: Bytes) => Promise<T>): Promise<T> {
  const secret = decodeRecoveryCode(code)
  try {
    return await work(secret)
  } finally {
    wipe(secret)
  }
}

/** The root of a manifest from R. @throws `identity_backup/secret` when the code is of another account */
export function rootOf(suite: CipherSuite, secret: Uint8Array, manifest: VerifiedManifest): RootSigner {
  const signer = rootSigner(suite, rootSeed(suite, secret, manifest.generation), manifest.root.mldsa65 !== undefined)
  check(
    sameRoot(signer.root, manifest.root),
    'identity_backup/secret',
    undefined,
    'this recovery code is not that of the identity',
  )
  return signer
}

/** A step that the state of the identity does not allow. */
export function notNow(message: string): MlsError {
  return new MlsError('identity/state', message, { rule: 'I091' })
}
