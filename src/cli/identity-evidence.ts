/** Facts about accounts that are handed on as files, checked without a network. */
import { fromHex, fromUtf8, toHex, utf8 } from '../bytes/text.ts'
import type { CipherSuite } from '../crypto/cipher-suite.ts'
import { type ProvenEvidence, verifyEvidence } from '../identity/evidence.ts'
import type { IdentityContact } from '../xmpp/identity/types.ts'

/** A root as people hand it on: 64 hexadecimal digits. @throws Error with a sentence */
export function rootOfText(text: string): Uint8Array {
  const digits = text.replace(/\s/g, '').toLowerCase()
  if (!/^[0-9a-f]{64}$/.test(digits)) throw new Error('a root is 64 hexadecimal digits')
  return fromHex(digits)
}

/** The newest evidence about a contact; `undefined` where there is none. */
export function evidenceAbout({ findings }: Pick<IdentityContact, 'findings'>): Uint8Array | undefined {
  return findings.findLast(({ evidence }) => evidence !== undefined)?.evidence
}

/**
 * What a file of evidence proves about an account with this root, as lines.
 * @throws as `verifyEvidence` for what proves nothing
 */
export function checkEvidence(
  suite: CipherSuite,
  bytes: Uint8Array,
  believed: { readonly account: string; readonly rootHash: Uint8Array },
): string[] {
  const proven = verifyEvidence(suite, bytes, { account: utf8(believed.account), rootHash: believed.rootHash })
  return [`It proves about ${believed.account}:`, ...linesOf(proven).map((line) => `  ${line}`)]
}

function linesOf(proven: ProvenEvidence): string[] {
  const list = (name: string, { account, generation, seq, hash, issuedAt }: Manifest): string =>
    `${name}: list ${seq} of generation ${generation}, ${toHex(hash).slice(0, 16)}…, signed for ${fromUtf8(account)}, ${dateOf(issuedAt)}`
  switch (proven.kind) {
    case 'equivocation':
      return [
        proven.grade === 'race'
          ? 'Two lists follow the same one. Two of its devices may have published at once; a later list may have merged them.'
          : 'Its key has signed two lists that contradict each other. No honest devices do that: somebody else has the key.',
        `Together they break rule ${proven.rule}.`,
        list('one', proven.first),
        list('other', proven.second),
      ]
    case 'rollback':
      return [
        'There is a newer list than the one that was shown.',
        list('newer', proven.newer),
        list('shown', proven.shown),
      ]
    case 'split_view':
      return [
        'Two identities claim this address. Evidence does not tell which of them is the owner.',
        list('one', proven.first),
        list('other', proven.second),
      ]
    case 'revocation':
      return [
        `The account has taken a device off its list (${proven.entry.reason}).`,
        `device ${toHex(proven.entry.deviceId)}`,
        list('list', proven.manifest),
      ]
    case 'root_compromised':
      return [`The identity says of itself that it is in other hands, ${dateOf(proven.statedAt)}.`]
  }
}

type Manifest = Extract<ProvenEvidence, { kind: 'rollback' }>['newer']

function dateOf(seconds: bigint): string {
  const last = 8_640_000_000_000n
  return new Date(Number(seconds < last ? seconds : last) * 1000).toISOString().slice(0, 16).replace('T', ' ')
}
