/**
 * Every error code of the package and the kind of fault that it stands for.
 *
 * One code has one kind, for ever: callers decide *retry / drop / report / fix your code* from the kind, and match on the
 * code when they must know more. Adding a code is a minor release, changing or removing one is a major release.
 *
 * | kind                | whose fault                              | what a caller does          |
 * |---------------------|------------------------------------------|-----------------------------|
 * | `malformed`         | the bytes are not the structure          | drop                        |
 * | `peer_misbehaved`   | well-formed, breaks a rule of the RFC    | drop, report                |
 * | `peer_incompatible` | legal, but not supported here            | tell the user               |
 * | `out_of_step`       | legal, at the wrong moment               | wait, refetch, rejoin       |
 * | `refused`           | our policy, limit or authentication said no | the application decides  |
 * | `misuse`            | the caller broke the contract            | fix the calling code        |
 * | `environment`       | storage, randomness, provider failed     | retry                       |
 * | `bug`               | we were wrong                            | report to us                |
 */
export type ErrorKind =
  | 'malformed'
  | 'peer_misbehaved'
  | 'peer_incompatible'
  | 'out_of_step'
  | 'refused'
  | 'misuse'
  | 'environment'
  | 'bug'

/** The table of codes: `area/what`, sorted by area. */
export const errorKinds = {
  'auth/credential': 'refused',
  'auth/successor': 'refused',
  'auth/x509': 'refused',
  'codec/enum': 'malformed',
  'codec/length': 'malformed',
  'codec/limit': 'malformed',
  'codec/non_minimal': 'malformed',
  'codec/presence': 'malformed',
  'codec/range': 'misuse',
  'codec/short': 'malformed',
  'codec/text': 'malformed',
  'codec/trailing': 'malformed',
  'codec/value': 'malformed',
  'commit/confirmation_tag': 'peer_misbehaved',
  'commit/external': 'peer_misbehaved',
  'commit/own_leaf': 'peer_misbehaved',
  'commit/path': 'peer_misbehaved',
  'commit/path_key': 'peer_misbehaved',
  'commit/path_required': 'peer_misbehaved',
  'commit/proposals': 'peer_misbehaved',
  'credential/unsupported': 'peer_incompatible',
  'crypto/decrypt': 'peer_misbehaved',
  'crypto/key': 'peer_misbehaved',
  'crypto/label': 'misuse',
  'crypto/length': 'misuse',
  'crypto/provider': 'environment',
  'crypto/rng': 'environment',
  'crypto/signature': 'peer_misbehaved',
  'epoch/future': 'out_of_step',
  'epoch/too_old': 'out_of_step',
  'extension/container': 'peer_misbehaved',
  'extension/duplicate': 'peer_misbehaved',
  'extension/grease': 'peer_misbehaved',
  'extension/unsupported': 'peer_misbehaved',
  'framing/confirmation_tag': 'peer_misbehaved',
  'framing/content_type': 'peer_misbehaved',
  'framing/group_id': 'out_of_step',
  'framing/membership_tag': 'peer_misbehaved',
  'framing/padding': 'peer_misbehaved',
  'framing/sender': 'peer_misbehaved',
  'framing/wire_format': 'refused',
  'group/blocked': 'misuse',
  'group/catching_up': 'out_of_step',
  'group/closed': 'misuse',
  'group/exists': 'refused',
  'group/must_commit': 'misuse',
  'group/pending': 'misuse',
  'group/quarantined': 'out_of_step',
  'group/reinit': 'peer_misbehaved',
  'group/branch': 'peer_misbehaved',
  'group/removed': 'out_of_step',
  'group/staged': 'misuse',
  'group/unknown': 'misuse',
  'group_info/external_pub': 'peer_incompatible',
  'group_info/signer': 'peer_misbehaved',
  'group_info/stale': 'out_of_step',
  'internal/unreachable': 'bug',
  'key_package/cipher_suite': 'peer_incompatible',
  'key_package/init_key': 'peer_misbehaved',
  'key_package/used': 'out_of_step',
  'key_package/version': 'peer_incompatible',
  'leaf/capabilities': 'peer_misbehaved',
  'leaf/key_reuse': 'peer_misbehaved',
  'leaf/lifetime': 'refused',
  'leaf/requirements': 'peer_misbehaved',
  'leaf/source': 'peer_misbehaved',
  'limit/exceeded': 'refused',
  'operation/aborted': 'environment',
  'policy/external': 'refused',
  'policy/proposal': 'refused',
  'proposal/duplicate': 'peer_misbehaved',
  'proposal/invalid': 'peer_misbehaved',
  'proposal/unknown_ref': 'out_of_step',
  'proposal/unsupported': 'peer_incompatible',
  'psk/duplicate': 'peer_misbehaved',
  'psk/invalid': 'peer_misbehaved',
  'psk/missing': 'out_of_step',
  'ratchet/exhausted': 'refused',
  'ratchet/generation_gone': 'out_of_step',
  'ratchet/too_far': 'refused',
  'secret/consumed': 'misuse',
  'snapshot/damaged': 'malformed',
  'snapshot/version': 'peer_incompatible',
  'storage/busy': 'environment',
  'storage/closed': 'misuse',
  'storage/damaged': 'malformed',
  'storage/fenced': 'environment',
  'storage/full': 'environment',
  'storage/io': 'environment',
  'storage/key': 'refused',
  'storage/range': 'misuse',
  'storage/version': 'peer_incompatible',
  'suite/unsupported': 'peer_incompatible',
  'tree/hash': 'peer_misbehaved',
  'tree/index': 'peer_misbehaved',
  'tree/missing': 'out_of_step',
  'tree/own_leaf': 'peer_misbehaved',
  'tree/parent_hash': 'peer_misbehaved',
  'tree/structure': 'peer_misbehaved',
  'tree/unmerged_leaves': 'peer_misbehaved',
  'version/unsupported': 'peer_incompatible',
  'welcome/no_entry': 'out_of_step',
  'welcome/path_secret': 'peer_misbehaved',
  'welcome/psk': 'peer_misbehaved',
  'welcome/secrets': 'peer_misbehaved',
  'xmpp/access_model': 'refused',
  'xmpp/archive_page': 'environment',
  'xmpp/blocked': 'refused',
  'xmpp/build': 'misuse',
  'xmpp/closed': 'misuse',
  'xmpp/jid': 'malformed',
  'xmpp/no_devices': 'peer_incompatible',
  'xmpp/not_joined': 'out_of_step',
  'xmpp/offline': 'environment',
  'xmpp/room_anonymous': 'refused',
  'xmpp/room_archive': 'peer_incompatible',
  'xmpp/room_missing': 'refused',
  'xmpp/stanza': 'malformed',
  'xmpp/stanza_error': 'refused',
  'xmpp/timeout': 'environment',
  'xmpp/too_large': 'refused',
  'xmpp/unavailable': 'environment',
  'xmpp/unsupported': 'peer_incompatible',
  'xmpp/xml': 'malformed',
  'xmpp/xml_limit': 'refused',
} as const satisfies Record<string, ErrorKind>

/** The closed list of stable codes. */
export type ErrorCode = keyof typeof errorKinds
