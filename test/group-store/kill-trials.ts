/** A client on LMDB that is killed, or stopped and resumed, while the room and a peer live in this process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { appendFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buildSync } from 'esbuild'
import { fromBase64, fromUtf8, toBase64, utf8 } from '../../src/bytes/text.ts'
import { cipherSuite, createIdentity, createKeyPackage, type Group, joinGroup } from '../../src/index.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { SealLog } from './crash-oracle.ts'
import { Device, random } from './support.ts'

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

interface Child {
  readonly process: ChildProcess
  readonly opened: Promise<void>
  readonly ended: Promise<string>
}

/** The room, the peer, and what they have seen. */
class Trials {
  readonly folder = mkdtempSync(join(tmpdir(), 'crash-'))
  readonly acknowledged = new Set<string>()
  violations: string[] = []
  readonly #program = join(import.meta.dirname, '../../node_modules/.group-store-child.mjs')
  readonly #shown = new Map<string, number>()
  readonly #archived = new Set<string>()
  #peer!: Group
  #work: Promise<unknown> = Promise.resolve()
  #said = 0

  async begin(): Promise<void> {
    buildSync({
      entryPoints: [join(import.meta.dirname, 'kill-child.ts')],
      outfile: this.#program,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
    })
    const suite = await cipherSuite(1)
    const alice = new Device('alice', suite)
    const bundle = await createKeyPackage({ suite, identity: createIdentity(suite, 'bob') })
    const store = await alice.open({
      storage: await openLmdbStorage({ path: join(this.folder, 'store'), randomBytes: random }),
    })
    const group = await store.create({ suite, identity: alice.identity })
    await group.commit({ add: [bundle.message] })
    const [commit] = store.outbox()
    this.#archive('alice', toBase64(commit!.bytes))
    await group.reconcile([{ message: commit!.bytes, cursor: new Uint8Array(8) }])
    const [welcome] = store.outbox()
    this.#peer = await joinGroup({ suite, keyPackage: bundle, welcome: welcome!.bytes })
    await store.sent(welcome!.id)
    const { privateKey } = alice.identity as unknown as { privateKey: Uint8Array }
    writeFileSync(join(this.folder, 'identity'), `${toBase64(privateKey)} ${toBase64(group.id)}`)
    await store.close()
  }

  end(): void {
    rmSync(this.folder, { recursive: true, force: true })
    rmSync(this.#program, { force: true })
  }

  #archive(from: string, message: string): void {
    this.#archived.add(message)
    appendFileSync(join(this.folder, 'archive'), `${from} ${message}\n`)
  }

  start(life: string): Child {
    const child = spawn(process.execPath, [this.#program, this.folder, life], { stdio: ['ignore', 'pipe', 'inherit'] })
    let opened: () => void = () => undefined
    let ended: (code: string) => void = () => undefined
    const self: Child = {
      process: child,
      opened: new Promise((resolve) => (opened = resolve)),
      ended: new Promise((resolve) => (ended = resolve)),
    }
    let code = 'killed'
    createInterface({ input: child.stdout! }).on('line', (line) => {
      const [word, id = '', bytes = ''] = line.split(' ')
      if (word === 'open') opened()
      if (word === 'end') {
        code = line.slice(4)
        opened()
      }
      if (word === 'ack') this.acknowledged.add(id)
      if (word === 'post' && bytes !== '') this.#work = this.#work.then(() => this.#post(bytes))
    })
    // after `close` all that the child wrote before it died has been read
    child.on('close', () => setImmediate(() => void this.#work.then(() => ended(code))))
    return self
  }

  async #post(message: string): Promise<void> {
    // the same bytes twice are one message
    if (this.#archived.has(message)) return
    this.#archive('alice', message)
    try {
      const result = await this.#peer.receive(fromBase64(message))
      if (result.kind === 'message') {
        const text = fromUtf8(result.data)
        this.#shown.set(text, (this.#shown.get(text) ?? 0) + 1)
      } else if (result.kind !== 'commit') this.violations.push(`I3: the peer got ${result.kind}`)
    } catch (error) {
      this.violations.push(`I3: the peer refused a message: ${String(error)}`)
    }
    if (++this.#said % 6 === 0) this.#archive('bob', toBase64(this.#peer.protect(utf8(`answer ${this.#said}`))))
  }

  /** Lets a life of the client send what the last one has left, then looks at everything. */
  async settle(life: string): Promise<void> {
    const child = this.start(life)
    await child.opened
    await pause(150)
    child.process.kill('SIGKILL')
    const end = await child.ended
    if (end !== 'killed') this.violations.push(`the last life ended with ${end}`)
    let missing = 0
    for (const id of this.acknowledged) if (this.#shown.get(id) !== 1) missing++
    // what the last life acknowledged in its last moment may not have reached the room
    if (missing > 1) this.violations.push(`I4: ${missing} messages were not shown once`)
  }

  /** I1 over all lives. */
  seals(): SealLog {
    const log = new SealLog()
    const file = join(this.folder, 'seals')
    for (const line of existsSync(file) ? readFileSync(file, 'utf8').split('\n') : []) {
      const [key, pair, plaintext] = line.split(' ')
      if (key !== undefined && pair !== undefined && plaintext !== undefined) log.note(key, pair, plaintext)
    }
    return log
  }

  take(): string[] {
    const { violations } = this
    this.violations = []
    return violations
  }
}

/** Kills a client at random moments; the violations of each round. */
export async function killTrials(
  kills: number,
): Promise<{ readonly rounds: string[][]; readonly acknowledged: number; readonly seals: number }> {
  const trials = new Trials()
  const rounds: string[][] = []
  try {
    await trials.begin()
    for (let round = 0; round < kills; round++) {
      const child = trials.start(`k${round}`)
      // some are killed while they open
      if (round % 10 === 9) await pause(randomInt(0, 200))
      else {
        await child.opened
        await pause(randomInt(0, 80))
      }
      child.process.kill('SIGKILL')
      const end = await child.ended
      if (end !== 'killed') trials.violations.push(`the client ended with ${end}`)
      rounds.push(trials.take())
    }
    await trials.settle('last')
    const log = trials.seals()
    rounds.push([...trials.take(), ...log.violations])
    return { rounds, acknowledged: trials.acknowledged.size, seals: log.seals }
  } finally {
    trials.end()
  }
}

/** Stops a client, lets another one take its store over, and lets the first go on: its next batch must be refused. */
export async function takeOverTrials(amount: number): Promise<string[][]> {
  const trials = new Trials()
  const rounds: string[][] = []
  try {
    await trials.begin()
    for (let round = 0; round < amount; round++) {
      const first = trials.start(`f${round}`)
      await first.opened
      await pause(randomInt(5, 60))
      first.process.kill('SIGSTOP')
      const second = trials.start(`s${round}`)
      // stopped inside a transaction, the first holds the writer lock: nobody can write until it runs on
      const isOpen = await Promise.race([second.opened.then(() => true), pause(1500).then(() => false)])
      if (!isOpen) {
        first.process.kill('SIGCONT')
        await second.opened
      }
      await pause(50)
      first.process.kill('SIGCONT')
      const end = await Promise.race([first.ended, pause(10_000).then(() => 'nothing')])
      if (end !== 'storage/fenced') trials.violations.push(`the former owner ended with ${end}`)
      second.process.kill('SIGKILL')
      first.process.kill('SIGKILL')
      const other = await second.ended
      if (other !== 'killed') trials.violations.push(`the new owner ended with ${other}`)
      rounds.push(trials.take())
    }
    await trials.settle('last')
    rounds.push([...trials.take(), ...trials.seals().violations])
    return rounds
  } finally {
    trials.end()
  }
}
