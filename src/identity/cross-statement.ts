/**
 * What an account says about its keys in other protocols: a statement in the manifest, signed with it. Statements go one way
 * only: another key never vouches for an identity, since protocols exist that sign what an attacker chooses.
 */
import { type Bytes, copyBytes, equalBytes } from '../bytes/bytes.ts'
import { check } from '../bytes/errors.ts'
import { type Infer, struct, uint16, vec } from '../codec/codec.ts'
import { boundedOpaque } from './bounded.ts'
import { identityLimits } from './limits.ts'

/** Kinds of statements, and what `value` is. Unknown kinds are kept and mean nothing. */
export const crossStatementKinds = {
  /** `id`: OMEMO device id, 4 bytes, big-endian. `value`: its Ed25519 or X25519 identity key, 32 bytes. */
  omemo: 1,
  /** `id`: empty. `value`: fingerprint of an OpenPGP key, 20 (v4) or 32 bytes (v6). */
  openpgp: 2,
  /** `id`: empty. `value`: the Ed25519 key of an XID, 32 bytes. */
  xid: 3,
  /** `id`: empty. `value`: SHA-256 of the SubjectPublicKeyInfo of an X.509 certificate, 32 bytes. */
  x509: 4,
} as const
/** A name of {@link crossStatementKinds}. */
export type CrossStatementKind = keyof typeof crossStatementKinds

/** A statement about a key of another protocol. */
export const CrossStatement = struct({
  kind: uint16,
  id: boundedOpaque(identityLimits.otherBytes),
  value: boundedOpaque(identityLimits.otherBytes, 1),
})
export type CrossStatement = Infer<typeof CrossStatement>

/** The statements of a manifest. */
export const CrossStatements = vec(CrossStatement, identityLimits.others)

const shapes: Readonly<Record<number, { readonly id: number; readonly value: readonly number[] }>> = {
  [crossStatementKinds.omemo]: { id: 4, value: [32] },
  [crossStatementKinds.openpgp]: { id: 0, value: [20, 32] },
  [crossStatementKinds.xid]: { id: 0, value: [32] },
  [crossStatementKinds.x509]: { id: 0, value: [32] },
}

/** Checks the lengths of a statement of a known kind. @throws `identity/contents` (I025) */
export function checkCrossStatement(statement: CrossStatement): void {
  const shape = shapes[statement.kind]
  const fits = shape === undefined || (statement.id.length === shape.id && shape.value.includes(statement.value.length))
  check(fits, 'identity/contents', 'I025', 'a statement about another key that has another form')
}

/** Two statements say the same. */
export function sameStatement(a: CrossStatement, b: CrossStatement): boolean {
  return a.kind === b.kind && equalBytes(a.id, b.id) && equalBytes(a.value, b.value)
}

function statement(kind: CrossStatementKind, value: Uint8Array, id: Uint8Array): CrossStatement {
  const made = { kind: crossStatementKinds[kind], id: copyBytes(id), value: copyBytes(value) }
  checkCrossStatement(made)
  return made
}

const none = new Uint8Array(0)

/** About an OMEMO device: its id (uint32) and identity key of 32 bytes. @throws `identity/contents` (I025) */
export function omemoStatement(deviceId: number, identityKey: Uint8Array): CrossStatement {
  const id = new Uint8Array(4)
  new DataView(id.buffer).setUint32(0, deviceId)
  return statement('omemo', identityKey, id)
}

/** About an OpenPGP key: its fingerprint of 20 or 32 bytes. @throws `identity/contents` (I025) */
export function openPgpStatement(fingerprint: Uint8Array): CrossStatement {
  return statement('openpgp', fingerprint, none)
}

/** About the Ed25519 key of an XID, 32 bytes. @throws `identity/contents` (I025) */
export function xidStatement(key: Uint8Array): CrossStatement {
  return statement('xid', key, none)
}

/** About an X.509 key: SHA-256 of its SubjectPublicKeyInfo. @throws `identity/contents` (I025) */
export function x509Statement(spkiHash: Uint8Array): CrossStatement {
  return statement('x509', spkiHash, none)
}

/** What the account says about one key of another protocol: `true` when it is named, `false` when only others of its kind are. */
export function vouchesFor(
  statements: readonly CrossStatement[],
  kind: CrossStatementKind,
  value: Uint8Array,
): boolean | undefined {
  const ofKind = statements.filter((one) => one.kind === crossStatementKinds[kind])
  return ofKind.length === 0 ? undefined : ofKind.some((one) => equalBytes(one.value, value))
}

/** The values of a kind that the account names. */
export function valuesOfKind(statements: readonly CrossStatement[], kind: CrossStatementKind): Bytes[] {
  return statements.filter((one) => one.kind === crossStatementKinds[kind]).map(({ value }) => value)
}
