/** The room and the peer of clients that are killed, and what an observer there has seen of them. */
import { fromBase64, fromUtf8, toBase64, toHex, utf8 } from '../../src/bytes/text.ts'
import { type Group, joinGroup, type KeyPackageBundle } from '../../src/index.ts'
import { openSuite } from '../support/suite.ts'
import { SealLog } from './crash-oracle.ts'

/** See the file. */
export class TrialRoom {
  /** `NAME BASE64` for each message, in the room's order. */
  readonly archive: string[] = []
  readonly acknowledged = new Set<string>()
  readonly seals = new SealLog()
  violations: string[] = []
  readonly #shown = new Map<string, number>()
  readonly #archived = new Set<string>()
  readonly #onArchived: (line: string) => void
  #peer: Group | undefined
  #work: Promise<unknown> = Promise.resolve()
  #said = 0

  /** `onArchived` is told of each new line of the archive. */
  constructor(onArchived: (line: string) => void = () => undefined) {
    this.#onArchived = onArchived
  }

  /** Lets the peer in; `commit` has added it. */
  async admit(bundle: KeyPackageBundle, commit: Uint8Array, welcome: Uint8Array): Promise<void> {
    this.add('alice', toBase64(commit))
    this.#peer = await joinGroup({ suite: openSuite(1), keyPackage: bundle, welcome })
  }

  /** Takes a line that a client has said. */
  hear(line: string): void {
    const [word, first = '', second = '', third = ''] = line.split(' ')
    if (word === 'ack') this.acknowledged.add(first)
    if (word === 'seal') this.seals.note(first, second, third)
    if (word === 'post' && second !== '') this.#work = this.#work.then(() => this.#post(second))
  }

  /** Puts a message at the end of the archive. */
  add(from: string, message: string): void {
    this.#archived.add(message)
    this.archive.push(`${from} ${message}`)
    this.#onArchived(`${from} ${message}`)
  }

  /** Resolves when all that was posted has been read. */
  async idle(): Promise<void> {
    await this.#work
  }

  /** What went wrong since the last call. */
  take(): string[] {
    const violations = [...this.violations, ...this.seals.violations.splice(0)]
    this.violations = []
    return violations
  }

  /** I3, I4: after a life that has settled, everybody is in one state and everything acknowledged was shown once. */
  async judge(state: string): Promise<void> {
    await this.idle()
    const peer = this.#peer
    if (peer === undefined) throw new Error('a room without its peer')
    if (state !== `${toHex(peer.epochAuthenticator)} ${toHex(peer.treeHash)}`)
      this.violations.push('I3: the peer is in another state')
    for (const id of this.acknowledged)
      if (this.#shown.get(id) !== 1) this.violations.push(`I4: ${id} was shown ${this.#shown.get(id) ?? 0} times`)
    for (const [id, times] of this.#shown) if (times !== 1) this.violations.push(`I4: ${id} was shown ${times} times`)
  }

  async #post(message: string): Promise<void> {
    // the same bytes twice are one message
    if (this.#archived.has(message)) return
    this.add('alice', message)
    try {
      const result = await this.#peer?.receive(fromBase64(message))
      if (result?.kind === 'message') {
        const text = fromUtf8(result.data)
        this.#shown.set(text, (this.#shown.get(text) ?? 0) + 1)
      } else if (result?.kind !== 'commit') this.violations.push(`I3: the peer got ${result?.kind}`)
    } catch (error) {
      this.violations.push(`I3: the peer refused a message: ${String(error)}`)
    }
    if (++this.#said % 6 === 0 && this.#peer !== undefined)
      this.add('bob', toBase64(this.#peer.protect(utf8(`answer ${this.#said}`))))
  }
}
