import { MlsError } from '../../bytes/errors.ts'
import type { Room } from '../room.ts'
import { hasCondition, XmppError } from '../stanza/xmpp-error.ts'
import type { Blobs } from './blobs.ts'
import type { OutgoingItem } from './engine/events.ts'
import type { EngineContext } from './engine/state.ts'
import { chunkChildren, writeItem } from './items.ts'

/** Why a stanza is not known to have arrived. */
export type Outcome =
  /** The room said no. */
  | { readonly kind: 'refused'; readonly error: unknown }
  /** The archive knows. */
  | { readonly kind: 'unknown' }
  | { readonly kind: 'seat-lost' }

/** How long a room may take to show a chunk: its server may read slowly from those who send much. */
const chunkMs = 120_000

/** Stanzas for a room leave in the order in which they were given; nobody waits for the room's answer. */
export class Outgoing {
  readonly #ports: { readonly room: Room; readonly blobs: Blobs; readonly engine: EngineContext }
  readonly #onOutcome: (id: string, outcome: Outcome) => void
  #work: Promise<unknown> = Promise.resolve()

  /** @param onOutcome told when the room did not show a stanza back */
  constructor(
    ports: { readonly room: Room; readonly blobs: Blobs; readonly engine: EngineContext },
    onOutcome: (id: string, outcome: Outcome) => void,
  ) {
    this.#ports = ports
    this.#onOutcome = onOutcome
  }

  /** Sends an item under an id, its chunks first. */
  send(id: string, item: OutgoingItem): void {
    this.#work = this.#work.then(async () => {
      try {
        const { room, blobs, engine } = this.#ports
        const { timeoutMs } = engine.settings
        const { chunks, children } = await writeItem(item, blobs)
        for (const chunk of chunks) await room.send(chunkChildren(chunk), { timeoutMs: Math.max(timeoutMs, chunkMs) })
        room.send(children, { id, timeoutMs }).catch((error: unknown) => this.#onOutcome(id, outcomeOf(error)))
      } catch (error) {
        this.#onOutcome(id, outcomeOf(error))
      }
    })
  }
}

function outcomeOf(error: unknown): Outcome {
  if (hasCondition(error, 'not-acceptable')) return { kind: 'seat-lost' }
  const final = error instanceof MlsError && ['xmpp/too_large', 'xmpp/unsupported', 'xmpp/build'].includes(error.code)
  if (final || (error instanceof XmppError && error.type !== 'wait')) return { kind: 'refused', error }
  return { kind: 'unknown' }
}
