/** A client on LMDB that is killed, or stopped and resumed, while the room and a peer live in this process. */
import { type ChildProcess, spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { buildSync } from 'esbuild'
import { toBase64 } from '../../src/bytes/text.ts'
import { cipherSuite, createIdentity, createKeyPackage } from '../../src/index.ts'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'
import { Device, random } from './support.ts'
import { TrialRoom } from './trial-room.ts'

const pause = (milliseconds: number) => new Promise((resolve) => setTimeout(resolve, milliseconds))

interface Child {
  readonly process: ChildProcess
  readonly opened: Promise<void>
  readonly ended: Promise<string>
}

/** The room with its peer, and the processes of the client. */
class Trials {
  readonly folder = mkdtempSync(join(tmpdir(), 'crash-'))
  readonly room = new TrialRoom((line) => appendFileSync(join(this.folder, 'archive'), `${line}\n`))
  readonly #program = join(import.meta.dirname, `../../node_modules/.group-store-child-${process.pid}.mjs`)

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
    const { bytes } = await group.commit({ add: [bundle.message] })
    await group.reconcile([{ message: bytes, cursor: new Uint8Array(8) }])
    const [welcome] = store.outbox()
    await this.room.admit(bundle, bytes, welcome!.bytes)
    await store.sent(welcome!.id)
    const { privateKey } = alice.identity as unknown as { privateKey: Uint8Array }
    writeFileSync(join(this.folder, 'identity'), `${toBase64(privateKey)} ${toBase64(group.id)}`)
    await store.close()
  }

  end(): void {
    rmSync(this.folder, { recursive: true, force: true })
    rmSync(this.#program, { force: true })
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
      if (/^(open|end )/.test(line)) opened()
      if (/^(end|state) /.test(line)) code = line.replace(/^end /, '')
      this.room.hear(line)
    })
    // after `close` all that the child wrote before it died has been read
    child.on('close', () => setImmediate(() => void this.room.idle().then(() => ended(code))))
    return self
  }

  /** Lets a life of the client send what the last one has left, then looks at everything. */
  async settle(): Promise<string[]> {
    const end = await this.start('settle').ended
    if (!end.startsWith('state ')) this.room.violations.push(`the last life ended with ${end}`)
    await this.room.judge(end.replace(/^state /, ''))
    return this.room.take()
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
      if (end !== 'killed') trials.room.violations.push(`the client ended with ${end}`)
      rounds.push(trials.room.take())
    }
    rounds.push(await trials.settle())
    return { rounds, acknowledged: trials.room.acknowledged.size, seals: trials.room.seals.seals }
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
      if (end !== 'storage/fenced') trials.room.violations.push(`the former owner ended with ${end}`)
      second.process.kill('SIGKILL')
      first.process.kill('SIGKILL')
      const other = await second.ended
      if (other !== 'killed') trials.room.violations.push(`the new owner ended with ${other}`)
      rounds.push(trials.room.take())
    }
    rounds.push(await trials.settle())
    return rounds
  } finally {
    trials.end()
  }
}
