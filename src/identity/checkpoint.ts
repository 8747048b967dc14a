/**
 * Revocations are cumulative. Only the root lets a list forget: it signs a number, and revocations that took effect up to
 * that manifest may be missing from then on. The permission is a statement of its own that later manifests carry, so that
 * a contact who was away can tell a list that was pruned from one that was robbed.
 */
import { equalBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { encode } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { type Checkpoint, CheckpointTbs } from './manifest-extensions.ts'
import { type RootKeySet, type RootSigner, signWithRoot, verifyRoot } from './root-keys.ts'

/** Signs the permission to drop revocations with `effectiveSeq <= prunedThrough`. */
export async function makeCheckpoint(signer: RootSigner, content: CheckpointTbs): Promise<Checkpoint> {
  return { ...content, signature: await signWithRoot(signer, 'Checkpoint', encode(CheckpointTbs, content)) }
}

/** What a checkpoint must fit. */
export interface CheckpointSubject {
  readonly account: Uint8Array
  readonly generation: number
  readonly root: RootKeySet
  readonly seq: bigint
}

/**
 * Checks that a checkpoint is of this account, generation and root, and not ahead of the manifest.
 * @throws `identity/checkpoint` (I022), `identity/signature` (I021)
 */
export function verifyCheckpoint(suite: CipherSuite, checkpoint: Checkpoint, subject: CheckpointSubject): void {
  const fits =
    equalBytes(checkpoint.account, subject.account) &&
    checkpoint.generation === subject.generation &&
    checkpoint.prunedThrough <= subject.seq
  check(fits, 'identity/checkpoint', 'I022', 'a checkpoint of another account, generation or time')
  const content = encode(CheckpointTbs, checkpoint)
  const holds = verifyRoot(suite, subject.root, 'Checkpoint', content, checkpoint.signature)
  check(holds, 'identity/signature', 'I021', 'the root did not sign this checkpoint')
}
