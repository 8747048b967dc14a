/**
 * A client that is killed, stopped, reloaded: it opens its group store, catches up with the archive, sends again what is in
 * the outbox, and then sends messages and commits for ever. What it does it tells to the outside, before anything else can
 * happen: each encryption, each thing for the room, each message that is durable.
 */
import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import { fromBase64, toBase64, toHex, utf8 } from '../../src/bytes/text.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { suiteParameters } from '../../src/crypto/suites.ts'
import { makeConfig } from '../../src/group/defaults.ts'
import { type GroupStore, openGroupStore } from '../../src/group-store/group-store.ts'
import { key64 } from '../../src/group-store/layout.ts'
import type { StoredGroup } from '../../src/group-store/stored-group.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { defaultProvider } from '../../src/providers/default.ts'
import { systemClock } from '../../src/providers/system-clock.ts'
import { systemRng } from '../../src/providers/system-rng.ts'
import { keySigner } from '../../src/signed/signer.ts'
import { SealLog } from './crash-oracle.ts'

/** The archive as text: `NAME BASE64` for each message. */
export type ArchiveText = readonly string[]

/** What is outside of a client. */
export interface Outside {
  archive(): ArchiveText | Promise<ArchiveText>
  /** `seal HASHES`, `post ID BASE64`, `ack ID`. */
  say(line: string): void
}

/** The default suite, with each encryption told. */
export async function watchedSuite(outside: Pick<Outside, 'say'>): Promise<CipherSuite> {
  const parameters = suiteParameters(1)
  const plain = (await defaultProvider(parameters)).open(parameters, systemRng)
  return new SealLog().watch(plain, (line) => outside.say(`seal ${line}`))
}

/** One life of a client. */
export class TrialClient {
  readonly store: GroupStore
  readonly group: StoredGroup
  readonly #outside: Outside
  readonly #posted = new Set<string>()

  private constructor(store: GroupStore, group: StoredGroup, outside: Outside) {
    this.store = store
    this.group = group
    this.#outside = outside
  }

  /** Opens the group of a store. `identity`: the private key of its signer and the group id, base64 with a space between. */
  static async open(storage: Storage, identity: string, outside: Outside): Promise<TrialClient> {
    const [privateKey = '', groupId = ''] = identity.split(' ')
    const suite = await watchedSuite(outside)
    const signer = keySigner(suite, fromBase64(privateKey))
    const store = await openGroupStore({
      storage,
      config: makeConfig(
        {},
        { authentication: basicAuthentication(), psks: { externalPsk: () => undefined }, clock: systemClock },
      ),
      suite: () => suite,
      signer: () => signer,
      randomBytes: (length) => Uint8Array.from(systemRng.randomBytes(length)),
      reserve: 4,
    })
    return new TrialClient(store, await store.open(fromBase64(groupId)), outside)
  }

  /** Reads the archive from the cursor on. */
  async catchUp(): Promise<void> {
    const cursor = await this.group.cursor()
    const start = cursor === undefined ? 0 : Number(new DataView(cursor.buffer).getBigUint64(0)) + 1
    const entries = (await this.#outside.archive()).slice(start).map((line, i) => {
      const [from, message = ''] = line.split(' ')
      return { message: fromBase64(message), cursor: key64(start + i), own: from === 'alice' }
    })
    const { received } = await this.group.reconcile(entries)
    for (const { result, quarantine } of received) {
      if (quarantine !== undefined) throw new Error(`quarantine ${quarantine}`)
      if (result.kind === 'rejected') throw result.error
    }
  }

  /** Hands the outbox over. */
  post(): void {
    for (const { id, bytes } of this.store.outbox())
      if (!this.#posted.has(id)) {
        this.#posted.add(id)
        this.#outside.say(`post ${id} ${toBase64(bytes)}`)
      }
  }

  /** Sends what a life before has left; whether nothing is under way any more. */
  async settled(): Promise<boolean> {
    await this.catchUp()
    this.post()
    return this.store.outbox().length === 0
  }

  /** {@link settled}, as often as it takes until the room has read everything. @throws after four seconds */
  async settle(): Promise<void> {
    for (let left = 200; left > 0; left--) {
      if (await this.settled()) return
      await new Promise((go) => setTimeout(go, 20))
    }
    throw new Error('the outbox does not empty')
  }

  /** The state to be compared with that of others: epoch authenticator and tree hash. */
  state(): Promise<string> {
    return this.group.read((one) => `${toHex(one.epochAuthenticator)} ${toHex(one.treeHash)}`)
  }

  /** Sends messages and commits for ever. */
  async run(life: string): Promise<never> {
    await this.catchUp()
    this.post()
    this.#outside.say('open')
    for (let i = 0; ; i++) {
      if (i % 5 === 4 && (await this.group.read((one) => one.pending === undefined))) await this.group.commit()
      else await this.send(`${life}-${i}`)
      this.post()
      await this.catchUp()
    }
  }

  /** Sends one message, and tells when it is durable. */
  async send(id: string): Promise<void> {
    await this.group.send(utf8(id), { id })
    this.#outside.say(`ack ${id}`)
  }
}
