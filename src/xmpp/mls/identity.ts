import { type Bytes, concatBytes } from '../../bytes/bytes.ts'
import { fromUtf8, mapKey, toHex, utf8 } from '../../bytes/text.ts'
import type { AuthenticationService, CredentialBinding } from '../../ports/authentication-service.ts'
import type { Credential } from '../../wire/credential.ts'
import { tryBareJid } from '../stanza/jid.ts'

/** A device of an account, as a credential names it. */
export interface DeviceName {
  /** Normalised bare JID. */
  readonly account: string
  /** 32 hexadecimal digits. */
  readonly device: string
}

/** Bytes of a device id. */
export const deviceIdLength = 16

/** The basic credential of a device: bare JID, a zero byte, device id. */
export function deviceCredential(account: string, deviceId: Uint8Array): Credential & { credentialType: 'basic' } {
  return { credentialType: 'basic', identity: concatBytes(utf8(account), Uint8Array.of(0), deviceId) }
}

/** The device that a credential names; `undefined` when it is no credential of this binding. */
export function deviceOf(credential: Credential): DeviceName | undefined {
  if (credential.credentialType !== 'basic') return undefined
  const { identity } = credential
  const split = identity.length - deviceIdLength - 1
  if (split < 1 || identity[split] !== 0) return undefined
  const account = textOf(identity.subarray(0, split))
  // only the normalised form: two spellings of one address must not be two accounts (S14)
  if (account === undefined || tryBareJid(account) !== account) return undefined
  return { account, device: toHex(identity.subarray(split + 1)) }
}

function textOf(bytes: Uint8Array): string | undefined {
  try {
    return fromUtf8(bytes)
  } catch {
    return undefined
  }
}

/**
 * Believes every credential that has the form of {@link deviceCredential}: whoever can publish for an account speaks for
 * it. An identity service replaces this. A device is once in a group, and only itself follows on its leaf.
 */
export const formAuthentication: AuthenticationService = {
  validate: ({ credential }) => deviceOf(credential) !== undefined,
  isSuccessor: (current, next) => keyOf(current) !== undefined && keyOf(current) === keyOf(next),
  clientKey: (binding) => keyOf(binding),
}

function keyOf({ credential }: CredentialBinding): string | undefined {
  return credential.credentialType === 'basic' ? mapKey(credential.identity) : undefined
}

/** A key for maps by device. */
export function deviceKey({ account, device }: DeviceName): string {
  return `${device} ${account}`
}

/** Equal bytes, for public values. */
export function sameBytes(a: Bytes | Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a !== undefined && b !== undefined && a.length === b.length && a.every((byte, i) => byte === b[i])
}
