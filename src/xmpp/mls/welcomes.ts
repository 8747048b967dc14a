/** Welcomes: those that come to the account, and those that we hand out. */
import type { Bytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { decodeMlsMessage } from '../../wire/mls-message.ts'
import { type ArchivePage, readArchive } from '../archive.ts'
import type { XmppContext } from '../port.ts'
import type { XmlElement } from '../stanza/element.ts'
import { bareJid, sameBareJid, tryBareJid } from '../stanza/jid.ts'
import { hasCondition } from '../stanza/xmpp-error.ts'
import { carbonIn } from '../xep/xep-0280.ts'
import { isArchiveResult } from '../xep/xep-0313.ts'
import type { Blobs } from './blobs.ts'
import type { PendingWelcome } from './engine/state.ts'
import { chunkChildren, chunkIn, mlsElementIn, withHints } from './items.ts'
import type { KeyPackages } from './key-packages.ts'
import { WelcomeDelivery } from './welcome-delivery.ts'
import type { WelcomeLog } from './welcome-log.ts'
import type { Chunk, Payload } from './wire/payload.ts'
import { buildRoomWelcome, parseRoomWelcome, type RoomWelcome } from './wire/welcome.ts'

/** A Welcome for this device, with everything that a join needs. */
export interface IncomingWelcome {
  readonly room: string
  readonly from: string
  readonly peer: string | undefined
  readonly at: string
  readonly welcome: Bytes
  readonly tree: Bytes
}

/** Messages of a page of the account's archive. */
const pageSize = 100
const maxChunks = 512

/** See the file. */
export class Welcomes {
  readonly #context: XmppContext
  readonly #blobs: Blobs
  readonly #keyPackages: KeyPackages
  readonly #log: WelcomeLog
  readonly #delivery: WelcomeDelivery
  readonly #own: string
  readonly #onWelcome: (welcome: IncomingWelcome) => Promise<void>
  readonly #onProblem: (error: unknown) => void
  readonly #chunks = new Map<string, Chunk>()
  #work: Promise<unknown> = Promise.resolve()
  #stop: (() => void) | undefined
  #stopped = false

  constructor(input: {
    readonly context: XmppContext
    readonly blobs: Blobs
    readonly keyPackages: KeyPackages
    readonly log: WelcomeLog
    readonly onWelcome: (welcome: IncomingWelcome) => Promise<void>
    readonly onProblem: (error: unknown) => void
  }) {
    this.#context = input.context
    this.#blobs = input.blobs
    this.#keyPackages = input.keyPackages
    this.#log = input.log
    this.#delivery = new WelcomeDelivery(input.context)
    this.#own = bareJid(input.context.port.jid)
    this.#onWelcome = input.onWelcome
    this.#onProblem = input.onProblem
  }

  /** Starts to listen. */
  listen(): void {
    this.#stop = this.#context.port.onStanza((stanza) => this.#stanza(stanza))
  }

  /**
   * Looks for Welcomes that came while nobody of the account was there, or that another device was given: in all messages
   * since the last time, at first in the newest.
   */
  async catchUp(): Promise<void> {
    try {
      for (let more = true; more && !this.#stopped; ) more = await this.#page()
    } catch (error) {
      // an account without archive has the offline store alone
      if (!(error instanceof MlsError)) return
      this.#onProblem(error)
    }
    await this.#work
  }

  async #page(): Promise<boolean> {
    const { begun, cursor } = this.#log
    const { results, complete } = await this.#after(begun, cursor)
    for (const { message: stanza } of results) this.#received(stanza)
    await this.#work
    const last = results.at(-1)?.id
    await this.#log.reached(last ?? cursor)
    return begun && !complete && last !== undefined && last !== cursor
  }

  async #after(begun: boolean, cursor: string | undefined): Promise<ArchivePage> {
    if (begun && cursor === undefined) return await readArchive(this.#context, this.#own, { max: pageSize })
    const newest = { before: '', max: pageSize }
    try {
      return await readArchive(
        this.#context,
        this.#own,
        cursor === undefined ? newest : { after: cursor, max: pageSize },
      )
    } catch (error) {
      // the archive no longer goes back to where it was read
      if (cursor === undefined || !hasCondition(error, 'item-not-found')) throw error
      return await readArchive(this.#context, this.#own, newest)
    }
  }

  #stanza(stanza: XmlElement): void {
    // copies and Welcomes are no messages of rooms
    if (stanza.name !== 'message' || stanza.attrs['type'] === 'groupchat' || isArchiveResult(stanza)) return
    const copy = carbonIn(stanza, this.#own)
    // S01: a forged copy is dropped with all that it holds
    if (copy.kind === 'forged') return
    if (copy.kind === 'none') this.#received(stanza)
    else if (copy.carbon.direction === 'received') this.#received(copy.carbon.message)
  }

  #received(stanza: XmlElement): void {
    const { type, to } = { type: stanza.attrs['type'], to: stanza.attrs['to'] }
    const from = tryBareJid(stanza.attrs['from'])
    // S11: Welcomes come as chat messages to the account and in no other way
    if (type !== 'chat' || from === undefined || (to !== undefined && !sameBareJid(to, this.#own))) return
    const source = mlsElementIn(stanza)
    if (source === undefined) return
    const chunk = chunkIn(stanza)
    if (chunk !== undefined) this.#keep(from, chunk)
    const welcome = parseRoomWelcome(source)
    if (welcome === undefined) return
    this.#work = this.#work.then(() => this.#open(from, welcome)).catch((error: unknown) => this.#onProblem(error))
  }

  #keep(from: string, chunk: Chunk): void {
    this.#chunks.set(`${chunk.index} ${chunk.id} ${from}`, chunk)
    for (const oldest of this.#chunks.keys()) {
      if (this.#chunks.size <= maxChunks) break
      this.#chunks.delete(oldest)
    }
  }

  async #open(from: string, { room, at, peer, payload, tree }: RoomWelcome): Promise<void> {
    const unpack = (one: Payload): Promise<Bytes> =>
      this.#blobs.unpack(one, async (id, count) =>
        Array.from({ length: count }, (_, index) => this.#chunks.get(`${index} ${id} ${from}`)).flatMap(
          (chunk) => chunk ?? [],
        ),
      )
    const welcome = await unpack(payload)
    if (this.#log.has(welcome)) return
    // somebody else's, or that of another own device
    if (this.#keyPackages.find(referencesIn(welcome)) === undefined) return
    await this.#onWelcome({ room, from, peer, at, welcome, tree: await unpack(tree) })
  }

  /**
   * Sends a Welcome to all devices of an account, online or not. Resolves when its server has it.
   * @param peer for a one-to-one chat
   * @throws as `WelcomeDelivery.deliver`
   */
  async send(pending: PendingWelcome, room: string, peer?: string): Promise<void> {
    const { id, account, epoch, at, welcome, tree } = pending
    await this.#delivery.deliver(id, account, async () => {
      const [packed, packedTree] = [await this.#blobs.pack(welcome), await this.#blobs.pack(tree)]
      const main = buildRoomWelcome({ room, epoch, at, peer, payload: packed.payload, tree: packedTree.payload })
      return [...[...packed.chunks, ...packedTree.chunks].map(chunkChildren), withHints(main)]
    })
  }

  /** Stops listening and sending. */
  stop(): void {
    this.#stopped = true
    this.#stop?.()
    this.#delivery.stop()
  }
}

/** The KeyPackageRefs of a Welcome. @throws kind `malformed` */
export function referencesIn(bytes: Bytes): readonly Bytes[] {
  const decoded = decodeMlsMessage(bytes)
  if (decoded.wireFormat !== 'mls_welcome') throw new MlsError('codec/value', 'no Welcome where one was expected')
  return decoded.welcome.secrets.map(({ newMember }) => newMember)
}
