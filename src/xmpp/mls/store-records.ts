/** The records of the binding's rooms, format 2; see `store-layout.ts`. */
import { type Bytes, copyBytes } from '../../bytes/bytes.ts'
import { type RecordBody, recordType } from '../../storage/records.ts'
import { fields, type Infer } from '../../storage/schema.ts'
import { parseXml } from '../stanza/parse.ts'
import { serialise } from '../stanza/serialise.ts'
import type { Intent, RoomState } from './engine/state.ts'
import {
  id,
  StoredAttempt,
  StoredAuthor,
  StoredChain,
  StoredCreation,
  StoredEvent,
  StoredHead,
  StoredIntent,
  StoredJoining,
  StoredMessage,
  StoredOutboxItem,
  type StoredParticipant,
  StoredPrevious,
  StoredProposal,
  StoredQueued,
  StoredWelcome,
} from './store-schemas.ts'
import type { MessageContent } from './types.ts'

/** A message as it is stored. */
export type MessageRecord = Infer<typeof StoredMessage>
/** Something that the application is to be told, as it is stored. */
export type EventRecord = Infer<typeof StoredEvent>
/** A device in such a record. */
export type ParticipantRecord = Infer<typeof StoredParticipant>
/** What every message changes. */
export type HeadRecord = Infer<typeof StoredHead>

/** Version 1 had a whole snapshot: with nothing in its place that minute's window is over, and the row goes with it. */
function withoutSnapshot(body: RecordBody): RecordBody {
  body.delete('snapshot')
  body.set('earlier', new Uint8Array(0))
  return body
}

/** The kinds of records, with their versions. */
export const roomRecords = {
  head: recordType({ type: 'mls_room_head', version: 1, schema: StoredHead }),
  processed: recordType({ type: 'mls_room_processed', version: 1, schema: fields({ id }) }),
  author: recordType({ type: 'mls_room_author', version: 1, schema: StoredAuthor }),
  chain: recordType({ type: 'mls_room_chain', version: 1, schema: StoredChain }),
  outbox: recordType({ type: 'mls_room_outbox', version: 1, schema: StoredOutboxItem }),
  intent: recordType({ type: 'mls_room_intent', version: 1, schema: StoredIntent }),
  proposal: recordType({ type: 'mls_room_proposal', version: 1, schema: StoredProposal }),
  welcome: recordType({ type: 'mls_room_welcome', version: 1, schema: StoredWelcome }),
  attempt: recordType({ type: 'mls_room_attempt', version: 1, schema: StoredAttempt }),
  previous: recordType({
    type: 'mls_room_previous',
    version: 2,
    schema: StoredPrevious,
    migrations: [withoutSnapshot],
  }),
  creating: recordType({ type: 'mls_room_creating', version: 1, schema: StoredCreation }),
  joining: recordType({ type: 'mls_room_joining', version: 1, schema: StoredJoining }),
  event: recordType({ type: 'mls_room_event', version: 1, schema: StoredEvent }),
  queued: recordType({ type: 'mls_room_queued', version: 1, schema: StoredQueued }),
  message: recordType({ type: 'mls_room_message', version: 1, schema: StoredMessage }),
} as const

/** A message that waits to be encrypted, as it is stored. */
export function writeQueued({ op, content }: RoomState['queue'][number]): Infer<typeof StoredQueued> {
  return {
    op,
    kind: content.kind,
    to: 'to' in content ? content.to : undefined,
    body: 'body' in content ? content.body : undefined,
    emojis: content.kind === 'reaction' ? content.emojis : [],
    elements: content.kind === 'xml' ? content.elements.map((one) => serialise(one)) : [],
  }
}

/** The message that waits. */
export function readQueued({ op, kind, to = '', body = '', emojis, elements }: Infer<typeof StoredQueued>) {
  const contentOf = (): MessageContent => {
    switch (kind) {
      case 'text':
        return { kind, body }
      case 'reply':
      case 'correction':
        return { kind, to, body }
      case 'reaction':
        return { kind, to, emojis }
      case 'xml':
        return { kind, elements: elements.map((one) => parseXml(one)) }
      default:
        return { kind, to }
    }
  }
  return { op, content: contentOf() }
}

/** An intent as it is stored. */
export function writeIntent(intent: Intent): Infer<typeof StoredIntent> {
  return {
    id: intent.id,
    kind: intent.kind,
    account: 'account' in intent ? intent.account : undefined,
    device: intent.kind === 'remove' ? intent.device : undefined,
    keyPackages: intent.kind === 'add' ? intent.keyPackages.map((one) => copyBytes(one)) : [],
    externalJoin: intent.kind === 'policy' ? intent.policy.externalJoin : undefined,
  }
}

/** The intent that was stored. */
export function readIntent(stored: Infer<typeof StoredIntent>): Intent {
  const { id: key, account = '', device, keyPackages, externalJoin = 'none' } = stored
  switch (stored.kind) {
    case 'add':
      return { id: key, kind: 'add', account, keyPackages: keyPackages as readonly Bytes[] }
    case 'remove':
      return { id: key, kind: 'remove', account, device }
    case 'update':
      return { id: key, kind: 'update' }
    case 'policy':
      return { id: key, kind: 'policy', policy: { externalJoin } }
  }
}
