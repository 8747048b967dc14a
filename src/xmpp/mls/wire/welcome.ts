import { child, tag, type XmlElement } from '../../stanza/element.ts'
import { tryBareJid } from '../../stanza/jid.ts'
import { mlsNamespace } from './namespace.ts'
import { buildPayload, epochIn, isToken, type Payload, payloadIn } from './payload.ts'

/** A Welcome for the devices of one account. */
export interface RoomWelcome {
  /** Bare JID of the room that the group is bound to. */
  readonly room: string
  /** The epoch that it leads to. */
  readonly epoch: bigint
  /** Archive id of the commit: the archive is read from there. */
  readonly at: string
  /** For a one-to-one chat: the other account. A hint, as all of the stanza is: the group says it again, signed. */
  readonly peer: string | undefined
  /** The Welcome as MLSMessage. */
  readonly payload: Payload
  /** The ratchet tree. */
  readonly tree: Payload
}

const build = tag(mlsNamespace)

/** The `welcome` element. */
export function buildRoomWelcome({ room, epoch, at, peer, payload, tree }: RoomWelcome): XmlElement {
  const attrs = { room, epoch: String(epoch), at, with: peer }
  return build('welcome', attrs, buildPayload('payload', payload), buildPayload('tree', tree))
}

/** The Welcome; `undefined` for any other element. */
export function parseRoomWelcome(source: XmlElement | undefined): RoomWelcome | undefined {
  if (source?.name !== 'welcome' || source.ns !== mlsNamespace) return undefined
  const room = tryBareJid(source.attrs['room'])
  const epoch = epochIn(source.attrs['epoch'])
  const at = source.attrs['at']
  const [payload, tree] = [payloadIn(child(source, 'payload')), payloadIn(child(source, 'tree'))]
  if (room === undefined || epoch === undefined || !isToken(at) || !payload || !tree) return undefined
  return { room, epoch, at, peer: tryBareJid(source.attrs['with']), payload, tree }
}
