/**
 * Proposals of the current epoch that arrived as messages of their own (RFC 9420 §12.1), by ProposalRef. An immutable
 * value: a rejected message leaves no trace. Bounded (R15); a new epoch starts with an empty one (V258).
 */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { mapKey } from '../bytes/text.ts'
import type { HpkeKeyPair } from '../crypto/cipher-suite.ts'
import type { Signer } from '../signed/signer.ts'
import type { Sender } from '../wire/framed-content.ts'
import type { Proposal } from '../wire/proposal.ts'

/** A proposal with who made it. `reference` is the ProposalRef, or `undefined` for one by value in a commit. */
export interface SentProposal {
  readonly proposal: Proposal
  readonly sender: Sender
  readonly reference: Bytes | undefined
}

/** What this client must remember of an Update that it proposed itself. */
export interface OwnUpdate {
  readonly encryptionKeyPair: HpkeKeyPair
  readonly signer: Signer
}

/** A proposal that was received or sent in this epoch. */
export interface CachedProposal extends SentProposal {
  readonly reference: Bytes
  /** Bytes of the message, for the bound. */
  readonly size: number
  /** Present for an own Update proposal. */
  readonly ownUpdate?: OwnUpdate
}

/** Bounds of the cache; a member beyond them is refused, nothing is evicted. */
export interface ProposalCacheLimits {
  /** Proposals of one epoch. */
  readonly proposalsPerEpoch: number
  /** Proposals of one sender in one epoch. */
  readonly proposalsPerSender: number
  /** Bytes of all proposals of one epoch. */
  readonly proposalBytes: number
}

/** The proposals of one epoch, in order of arrival. */
export class ProposalCache {
  static readonly empty = new ProposalCache(new Map(), 0)
  readonly #byReference: ReadonlyMap<string, CachedProposal>
  readonly #bytes: number

  private constructor(byReference: ReadonlyMap<string, CachedProposal>, bytes: number) {
    this.#byReference = byReference
    this.#bytes = bytes
  }

  get size(): number {
    return this.#byReference.size
  }

  /** The proposal that a ProposalRef names. */
  get(reference: Uint8Array): CachedProposal | undefined {
    return this.#byReference.get(mapKey(reference))
  }

  /** All proposals, oldest first. */
  list(): CachedProposal[] {
    return [...this.#byReference.values()]
  }

  /**
   * The cache with one more proposal; the same cache when it is known already (V095).
   * @throws `limit/exceeded` (R15)
   */
  with(cached: CachedProposal, limits: ProposalCacheLimits): ProposalCache {
    const key = mapKey(cached.reference)
    if (this.#byReference.has(key)) return this
    const sender = senderKey(cached.sender)
    const fromSender = this.list().filter((other) => senderKey(other.sender) === sender).length
    if (
      this.size >= limits.proposalsPerEpoch ||
      fromSender >= limits.proposalsPerSender ||
      this.#bytes + cached.size > limits.proposalBytes
    )
      throw new MlsError('limit/exceeded', 'too many proposals in one epoch', { rule: 'R15' })
    return new ProposalCache(new Map(this.#byReference).set(key, cached), this.#bytes + cached.size)
  }
}

function senderKey(sender: Sender): string {
  if (sender.senderType === 'member') return `member ${sender.leafIndex}`
  if (sender.senderType === 'external') return `external ${sender.senderIndex}`
  return sender.senderType
}
