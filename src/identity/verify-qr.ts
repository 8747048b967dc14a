/**
 * Verification by one scan. Alice shows a code, Bob scans it, and both are verified:
 *
 *     Alice                                   Bob
 *     showVerifyQr ── on the screen ────────> scanVerifyQr: is this her root? is this the root she holds for me?
 *     ShownVerifyQr.check <─ encrypted ────── reply: MAC under the secret of the code over both accounts and roots
 *                                             message
 *
 * The reply proves to Alice that who stood before her screen is the account that writes, with the root she holds for it. The
 * code must be seen by nobody else: who photographs it can answer in Bob's place, so Alice is asked whether Bob's device
 * showed success.
 */
import { type Bytes, copyBytes, equalBytes, wipe } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { decode, encode, type Infer, optional, struct, uint32, uint64 } from '../codec/codec.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { AccountName, checkAccount } from './bounded.ts'
import { ceremonyVersion, fixed16, fixed32, versionByte } from './ceremony-fields.ts'
import { ceremonyInput } from './ceremony-input.ts'
import { fromCeremonyText, toCeremonyText } from './ceremony-text.ts'
import type { RootOfAccount } from './verify-digits.ts'

/** How long a shown code counts, in seconds. */
export const verifyQrLifetime = 600n

const VerifyQr = struct({
  version: versionByte,
  account: AccountName,
  rootHash: fixed32,
  generation: uint32,
  seq: uint64,
  /** For whom the code is shown, and the root held for them; absent where none is held. */
  peer: optional(struct({ account: AccountName, rootHash: fixed32, generation: uint32 })),
  secret: fixed16,
})

const VerifyReply = struct({ version: versionByte, generation: uint32, seq: uint64, proof: fixed32 })

/** A root with the place of its manifest: one side of a verification. */
export interface VerifiedSide extends RootOfAccount {
  readonly generation: number
  /** Of the newest manifest known. */
  readonly seq: bigint
}

/**
 * What a comparison found:
 * - `match`: the other side is verified; store it;
 * - `newer`: the other side has a later generation than the one held: fetch its manifests, walk the chain, compare again;
 * - `older`: the other side holds an earlier generation of this account: they fetch, walk the chain, and show a new code;
 * - `theirs_differs`: the root held for the other side is not the one it has. Somebody is between the two;
 * - `ours_differs`: the other side holds another root for this account. Somebody is between the two.
 */
export type VerifyOutcome = 'match' | 'newer' | 'older' | 'theirs_differs' | 'ours_differs'

/** A root that is held for somebody. */
export interface HeldRoot extends RootOfAccount {
  readonly generation: number
}

/** Who shows a code, and the contact it is shown to with the root held for them, if any is held. */
export interface VerifyQrParties {
  readonly own: VerifiedSide
  readonly peer?: HeldRoot
}

/** A code that is on the screen, with the secret that the answer must know; good for one answer. */
export class ShownVerifyQr {
  /** For the QR code. */
  readonly text: string
  readonly #suite: CipherSuite
  readonly #own: VerifiedSide
  readonly #shownAt: bigint
  #secret: Bytes | undefined

  constructor(suite: CipherSuite, { own, peer }: VerifyQrParties, now: bigint) {
    checkSides(own.account, peer?.account)
    this.#suite = suite
    this.#own = own
    this.#shownAt = now
    this.#secret = suite.randomBytes(16)
    this.text = toCeremonyText(suite, 'V', VerifyQr, {
      version: ceremonyVersion,
      account: copyBytes(own.account),
      rootHash: copyBytes(own.rootHash),
      generation: own.generation,
      seq: own.seq,
      peer: peer && { ...peer, account: copyBytes(peer.account), rootHash: copyBytes(peer.rootHash) },
      secret: this.#secret,
    })
  }

  /**
   * Checks an answer that came, encrypted, from `scanner.account`, for which `scanner.rootHash` is held. A `match` uses the
   * code up. An answer that does not fit says `theirs_differs` and leaves the code: anybody could have sent it.
   * @throws `identity_verify/expired`, `identity_verify/used`, `identity_verify/account`, codes of kind `malformed`
   */
  check(reply: Uint8Array, scanner: VerifiedSide, now: bigint): 'match' | 'newer' | 'theirs_differs' {
    if (this.#secret === undefined) throw new MlsError('identity_verify/used', 'this code was answered before')
    if (now < this.#shownAt || now - this.#shownAt > verifyQrLifetime) {
      this.close()
      throw new MlsError('identity_verify/expired', 'this code is too old')
    }
    const { generation, seq, proof } = decode(VerifyReply, reply)
    const expected = proofOf(this.#suite, this.#secret, this.#own, { ...scanner, generation, seq })
    if (equalBytes(proof, expected)) {
      this.close()
      return 'match'
    }
    return generation > scanner.generation ? 'newer' : 'theirs_differs'
  }

  /** Forgets the secret: the code is not on the screen any more. */
  close(): void {
    wipe(this.#secret)
    this.#secret = undefined
  }
}

/** Shows a code. @throws `identity/account`, `identity_verify/account` when the peer is the own account */
export function showVerifyQr(suite: CipherSuite, parties: VerifyQrParties, now: bigint): ShownVerifyQr {
  return new ShownVerifyQr(suite, parties, now)
}

/** Who scans, and the contact in whose conversation the scan was started, with what is held for them, if anything is. */
export interface VerifyScanParties {
  readonly own: VerifiedSide
  readonly peer?: { readonly account: Uint8Array; readonly held?: Omit<HeldRoot, 'account'> }
}

/** What a scan found. `theirs` is what the code says; with `match`, send `reply`, encrypted, to `theirs.account`. */
export type VerifyScan =
  | { readonly outcome: 'match'; readonly theirs: VerifiedSide; readonly reply: Bytes }
  | { readonly outcome: Exclude<VerifyOutcome, 'match'>; readonly theirs: VerifiedSide }

/**
 * Reads a scanned code and checks both directions. Where no root is held for the peer, the root of the code is the one to
 * pin. Without a peer the caller looks up what it holds for `theirs.account` and scans the text again, unless it is new.
 * @throws `identity_qr/text`, `identity_qr/damaged`, `identity_qr/version`, codes of kind `malformed`;
 * `identity_verify/account` when the code is of another account than the peer, of the own one, or shown to somebody else
 */
export function scanVerifyQr(suite: CipherSuite, text: string, { own, peer }: VerifyScanParties): VerifyScan {
  const code = fromCeremonyText(suite, 'V', VerifyQr, text)
  const theirs = { account: code.account, rootHash: code.rootHash, generation: code.generation, seq: code.seq }
  try {
    checkSides(own.account, code.account)
    if (peer !== undefined && !equalBytes(peer.account, code.account)) throw otherAccount('a code of another contact')
    if (code.peer !== undefined && !equalBytes(code.peer.account, own.account))
      throw otherAccount('a code that is shown to somebody else')
    const outcome = compare(code, own, peer?.held)
    if (outcome !== 'match') return { outcome, theirs }
    const proof = proofOf(suite, code.secret, theirs, own)
    const reply = { version: ceremonyVersion, generation: own.generation, seq: own.seq, proof }
    return { outcome, theirs, reply: encode(VerifyReply, reply) }
  } finally {
    wipe(code.secret)
  }
}

function compare(
  code: Infer<typeof VerifyQr>,
  own: VerifiedSide,
  held: Omit<HeldRoot, 'account'> | undefined,
): VerifyOutcome {
  if (held !== undefined && !equalBytes(held.rootHash, code.rootHash))
    return code.generation > held.generation ? 'newer' : 'theirs_differs'
  if (code.peer !== undefined && !equalBytes(code.peer.rootHash, own.rootHash))
    return code.peer.generation < own.generation ? 'older' : 'ours_differs'
  return 'match'
}

/** Order matters: who shows comes first, so that an answer is no answer to the other side's code. */
function proofOf(suite: CipherSuite, secret: Uint8Array, shown: VerifiedSide, scanner: VerifiedSide): Bytes {
  return suite.hmac(secret, ceremonyInput('Verify Proof', encode(Side, side(shown)), encode(Side, side(scanner))))
}

const Side = struct({ account: AccountName, rootHash: fixed32, generation: uint32, seq: uint64 })

function side({ account, rootHash, generation, seq }: VerifiedSide): Infer<typeof Side> {
  return { account: copyBytes(account), rootHash: copyBytes(rootHash), generation, seq }
}

function checkSides(own: Uint8Array, peer: Uint8Array | undefined): void {
  checkAccount(own)
  if (peer !== undefined && equalBytes(own, peer)) throw otherAccount('a verification with the own account')
}

function otherAccount(message: string): MlsError {
  return new MlsError('identity_verify/account', message)
}
