// XEP-0410: MUC Self-Ping, version 1.1.0 (2019-09-25), https://xmpp.org/extensions/xep-0410.html

import { XmppError } from '../stanza/xmpp-error.ts'

/** What a ping to the own nick says: in the room, out of it, or nothing certain (§3.3). */
export type SelfPingResult = 'joined' | 'not-joined' | 'unknown'

/** Reads the outcome of a ping to `room/own-nick`. @param error what the request threw; `undefined` after a result */
export function selfPingResult(error: unknown): SelfPingResult {
  if (error === undefined) return 'joined'
  if (!(error instanceof XmppError)) return 'unknown'
  switch (error.condition) {
    case 'service-unavailable':
    case 'feature-not-implemented':
    case 'item-not-found':
      return 'joined'
    case 'remote-server-not-found':
    case 'remote-server-timeout':
      return 'unknown'
    default:
      return 'not-joined'
  }
}
