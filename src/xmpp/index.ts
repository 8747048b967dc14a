/** `xmpp-mls/xmpp`: end-to-end encrypted rooms on XMPP servers as they are. Start at {@link MlsClient}. */
export { MlsError } from '../bytes/errors.ts'
export { MlsClient } from './mls/client.ts'
export { type ClientSettings, defaultSettings, type MlsClientOptions, type RoomOptions } from './mls/client-options.ts'
export { type DeviceName, deviceCredential, deviceOf, formAuthentication } from './mls/identity.ts'
export type { LeafProvider, OwnLeaf } from './mls/leaf-provider.ts'
export { type MessageReference, MlsRoom } from './mls/room.ts'
export type { RoomIdentity, TrustSubject } from './mls/room-identity.ts'
export type {
  ClientEvents,
  ExternalJoinPolicy,
  HistoryEntry,
  HistoryPage,
  HistoryPolicy,
  Invitation,
  MembershipChange,
  MessageContent,
  Participant,
  QuarantineReason,
  RetentionPolicy,
  RoomAccount,
  RoomEvents,
  RoomHealth,
  RoomIssue,
  RoomMessage,
  RoomPolicy,
  RoomProblem,
  SentMessage,
  Trust,
  Unreadable,
  UnreadableReason,
} from './mls/types.ts'
export { keyPackagesNode, mlsExtensions, mlsNamespace } from './mls/wire/namespace.ts'
export type { ConnectionState, RandomSource, Timers, XmppPort } from './port.ts'
export { element, type XmlElement, type XmlNode } from './stanza/element.ts'
export { parseXml } from './stanza/parse.ts'
export { serialise } from './stanza/serialise.ts'
export { type StanzaError, XmppError } from './stanza/xmpp-error.ts'
