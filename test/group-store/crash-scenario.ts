/**
 * One life of a client with many things happening in it, run on a disk that fails once. The client is `alice`; `bob`, `carol`
 * and the room live outside. Each step of the client is tried again after a crash unless its effect is there already, as an
 * application does that asks its outbox and the room.
 */
import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import { type Bytes, copyBytes, equalBytes } from '../../src/bytes/bytes.ts'
import { MlsError } from '../../src/bytes/errors.ts'
import { fromUtf8, utf8 } from '../../src/bytes/text.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { createGroupWith, joinGroupWith } from '../../src/group/create-group.ts'
import { makeConfig } from '../../src/group/defaults.ts'
import { makeKeyPackage } from '../../src/group/key-package.ts'
import { type GroupStore, openGroupStore } from '../../src/group-store/group-store.ts'
import { number64 } from '../../src/group-store/layout.ts'
import type { StoredGroup } from '../../src/group-store/stored-group.ts'
import { createIdentity } from '../../src/index.ts'
import type { Storage } from '../../src/ports/storage.ts'
import { type DiskFault, SimulatedDisk } from '../../src/testing/storage/simulated-disk.ts'
import { openSimulatedStorage } from '../../src/testing/storage/simulated-store.ts'
import { contentHash, counting, holdsAny, isTyped, PlainMember, SealLog, seededRng } from './crash-oracle.ts'
import { MemoryAnchor, Room } from './support.ts'

/** How a run goes wrong. */
export interface Crash {
  readonly fault: DiskFault
  /** The operation of the disk at which it happens. */
  readonly at: number
}

/** What a run has shown. */
export interface Outcome {
  readonly violations: string[]
  /** Batches that were acknowledged. */
  readonly batches: number
  /** Operations of the disk. */
  readonly operations: number
  readonly sends: number
  readonly seals: number
  /** Whether the fault happened. */
  readonly crashed: boolean
  /** The content after each batch; of a run without a fault. */
  readonly contents: readonly string[]
}

const start = 1_700_000_000_000
const pastEpochs = 2n

/** Runs the scenario. `open` makes the suite of one actor from its randomness; `reference` has the contents to compare with. */
export async function runScenario(
  open: (rng: ReturnType<typeof seededRng>) => Promise<CipherSuite> | CipherSuite,
  crash?: Crash,
  reference: readonly string[] = [],
): Promise<Outcome> {
  const run = new Scenario(open, crash, reference)
  await run.all()
  return run.outcome()
}

class Scenario {
  readonly #open: Parameters<typeof runScenario>[0]
  readonly #crash: Crash | undefined
  readonly #reference: readonly string[]
  readonly #log = new SealLog()
  readonly #violations: string[] = []
  readonly #room = new Room()
  readonly #anchor = new MemoryAnchor()
  readonly #rng = seededRng('alice')
  readonly #contents: string[] = []
  /** Secrets of each epoch that the client was in. */
  readonly #secrets = new Map<bigint, readonly Bytes[]>()
  readonly #acknowledged = new Set<string>()
  readonly #posted = new Set<string>()
  readonly #others: PlainMember[] = []
  readonly #toAlice: string[] = []
  #disk: SimulatedDisk
  #suite!: CipherSuite
  readonly #identities: ReturnType<typeof createIdentity>[] = []
  #storage!: Storage
  #store!: GroupStore
  #compared = false
  #reopened = false
  #groupId!: Bytes
  #batches = 0
  #sends = 0
  #operations = 0
  #crashed = false

  constructor(open: Parameters<typeof runScenario>[0], crash: Crash | undefined, reference: readonly string[]) {
    this.#open = open
    this.#crash = crash
    this.#reference = reference
    this.#disk = new SimulatedDisk(crash === undefined ? {} : { ...crash, seed: crash.at })
  }

  outcome(): Outcome {
    const violations = [...this.#violations, ...this.#log.violations, ...this.#others.flatMap((one) => one.violations)]
    const { seals } = this.#log
    const crashed = this.#crashed
    return {
      violations,
      batches: this.#batches,
      operations: this.#operations,
      sends: this.#sends,
      seals,
      crashed,
      contents: this.#contents,
    }
  }

  #config() {
    return makeConfig(
      { limits: { pastEpochs: Number(pastEpochs) } },
      { authentication: basicAuthentication(), psks: { externalPsk: () => undefined }, clock: { now: () => start } },
    )
  }

  async all(): Promise<void> {
    this.#suite = this.#log.watch(await this.#open(this.#rng))
    this.#identities.push(createIdentity(this.#suite, 'alice'))
    await this.#step('open', async () => this.#openStore())
    await this.#join()
    const [bob, carol] = this.#others as [PlainMember, PlainMember]
    for (let i = 0; i < 4; i++) await this.#send(`a${i}`)
    await this.#exchange()
    // three messages of one sender, the first of them last: keys are kept and used up
    await this.#say(bob, ['b1', 'b2', 'b0'], [1, 2, 0])
    await this.#exchange()
    await this.#commit('c0')
    await this.#exchange()
    for (let i = 4; i < 8; i++) await this.#send(`a${i}`)
    await this.#say(carol, ['c0', 'c1'])
    await this.#exchange()
    await this.#act('p0', async (group) => group.propose({ update: true, id: 'p0' }))
    await this.#exchange()
    await this.#foreignCommit(bob)
    await this.#exchange()
    for (let i = 8; i < 11; i++) await this.#send(`a${i}`)
    // our commit loses
    await this.#act('lost', async (group) => group.commit({ id: 'lost', intent: utf8('again') }))
    await this.#foreignCommit(carol)
    await this.#step('catch up', async () => this.#catchUp())
    await this.#exchange()
    await this.#commit('again')
    await this.#exchange()
    await this.#addDave()
    for (let i = 11; i < 14; i++) await this.#send(`a${i}`)
    await this.#exchange()
    await this.#rejoin(bob)
    for (let i = 14; i < 20; i++) {
      await this.#send(`a${i}`)
      if (i % 2 === 0) await this.#say(bob, [`b${i}`])
      await this.#exchange()
    }
    await this.#otherGroup()
    await this.#send('last')
    await this.#exchange()
    await this.#judge(bob)
  }

  async #openStore(): Promise<void> {
    const storage = await openSimulatedStorage({
      disk: this.#disk,
      randomBytes: (length) => this.#rng.randomBytes(length),
      compactAt: 60_000,
    })
    if (this.#crashed) await this.#compare(storage)
    this.#storage = storage
    this.#store = await openGroupStore({
      storage: counting(storage, async () => {
        this.#batches++
        if (this.#crash === undefined) this.#contents.push(await contentHash(storage))
      }),
      config: this.#config(),
      suite: () => this.#suite,
      signer: (key) => this.#identities.find(({ signer }) => equalBytes(signer.publicKey, key))?.signer,
      randomBytes: (length) => this.#rng.randomBytes(length),
      anchor: this.#anchor,
      keepHistory: true,
      reserve: 8,
    })
  }

  /** I2: what is there is the content before or after the batch that was interrupted. */
  async #compare(storage: Storage): Promise<void> {
    const late = this.#compared
    this.#compared = true
    if (this.#reference.length === 0 || this.#batches === 0 || late) return
    const expected = this.#reference.slice(this.#batches - 1, this.#batches + 1)
    if (!expected.includes(await contentHash(storage))) this.#violations.push('I2: neither before nor after')
  }

  /** Does something until it is done, through a crash. */
  async #step(name: string, act: () => Promise<unknown>, isDone: () => Promise<boolean> = async () => false) {
    for (let attempt = 0; ; attempt++) {
      try {
        if (attempt > 0 && (await isDone())) return
        await act()
        return
      } catch (error) {
        if (!isTyped(error)) this.#violations.push(`I8: ${name}: ${String(error)}`)
        if (attempt > 2 || this.#crash === undefined) throw error
        await this.#recover()
      } finally {
        if (!this.#crashed) this.#operations = this.#disk.operations
        if (!this.#crashed && this.#crash !== undefined && this.#disk.operations >= this.#crash.at) this.#crashed = true
      }
    }
  }

  async #recover(): Promise<void> {
    const first = !this.#crashed
    this.#crashed = true
    if (this.#crash?.fault === 'full' && !this.#disk.off) {
      this.#disk.makeRoom()
      if (this.#store === undefined) await this.#openStore()
      else await this.#compare(this.#storage)
      return
    }
    if (!first && !this.#disk.off) return
    this.#disk = this.#disk.restart()
    await this.#openStore()
    if (this.#groupId !== undefined && (await this.#holdsGroup())) await this.#catchUp()
  }

  async #holdsGroup(): Promise<boolean> {
    return (await this.#store.list()).some(({ groupId }) => equalBytes(groupId, this.#groupId))
  }

  #group(): Promise<StoredGroup> {
    return this.#store.open(this.#groupId)
  }

  /** Reads the archive; everything that could be wrong with what it finds is a violation. */
  async #catchUp(): Promise<void> {
    const group = await this.#group()
    const { received } = await group.reconcile(this.#room.after('alice', await group.cursor()))
    for (const { result, quarantine } of received) {
      if (quarantine !== undefined) this.#violations.push(`I7: quarantine without a reason: ${quarantine}`)
      if (result.kind === 'rejected') this.#violations.push(`I3: alice refused a message: ${result.error.code}`)
    }
    if (group.quarantine !== undefined) this.#violations.push(`I7: quarantine: ${group.quarantine}`)
    await group.read(({ state }) => {
      const { context, secrets } = state.current
      const all = [secrets.senderDataSecret, secrets.exporterSecret, secrets.initSecret, secrets.membershipKey]
      this.#secrets.set(
        context.epoch,
        all.map((secret) => secret.use(copyBytes)),
      )
    })
    // T2, T4: the cursor is of the same batch as what was read
    const cursor = await group.cursor()
    const read = cursor === undefined ? 0 : Number(number64(cursor)) + 1
    if (read !== this.#room.archive.length) this.#violations.push(`T2: the cursor is at ${read}`)
  }

  async #deliver(): Promise<void> {
    for (const entry of this.#store.outbox()) {
      if (!this.#posted.has(entry.id)) this.#room.post('alice', entry)
      this.#posted.add(entry.id)
      if (entry.kind === 'welcome' || entry.kind === 'group_info') await this.#store.sent(entry.id)
    }
  }

  async #exchange(): Promise<void> {
    await this.#step('deliver', () => this.#deliver())
    for (const other of this.#others) await other.read(this.#room.archive)
    await this.#step('catch up', () => this.#catchUp())
    await this.#step('deliver', () => this.#deliver())
    if (this.#crashed && !this.#reopened) await this.#reopen()
  }

  /** I8: what was done after a crash with what the crash has left, opens once more as it was. */
  async #reopen(): Promise<void> {
    this.#reopened = true
    this.#disk.makeRoom()
    const look = async () => (await this.#group()).read((one) => one.epochAuthenticator)
    const before = await look()
    await this.#store.close()
    await this.#openStore()
    if (!equalBytes(await look(), before)) this.#violations.push('I8: opened again, the group is another one')
    await this.#catchUp()
  }

  #isOut(id: string): boolean {
    return this.#posted.has(id) || this.#store.outbox().some((entry) => entry.id === id)
  }

  async #act(id: string, act: (group: StoredGroup) => Promise<unknown>): Promise<void> {
    await this.#step(
      id,
      async () => act(await this.#group()),
      async () => this.#isOut(id),
    )
  }

  async #send(text: string): Promise<void> {
    this.#sends++
    // a second attempt is another plaintext: it must not meet the key of the first
    await this.#act(text, (group) =>
      group.send(utf8(text), {
        id: text,
        authenticatedData: utf8(`${this.#sends} ${this.#disk.operations} ${this.#crashed}`),
      }),
    )
    this.#acknowledged.add(text)
  }

  async #commit(id: string): Promise<void> {
    await this.#act(id, (group) => group.commit({ id }))
  }

  async #say(member: PlainMember, names: readonly string[], order: readonly number[] = names.map((_, i) => i)) {
    const messages = names.map((name) => {
      this.#toAlice.push(`${member.name} ${name}`)
      return copyBytes(member.group.protect(utf8(`${member.name} ${name}`)))
    })
    for (const i of order) this.#room.archive.push({ from: member.name, message: messages[i]! })
  }

  async #foreignCommit(member: PlainMember): Promise<void> {
    const { commit } = await member.group.commit()
    this.#room.archive.push({ from: member.name, message: commit })
    for (const other of this.#others) await other.read(this.#room.archive)
  }

  async #member(name: string): Promise<{ suite: CipherSuite; identity: ReturnType<typeof createIdentity> }> {
    const suite = await this.#open(seededRng(name))
    return { suite, identity: createIdentity(suite, name) }
  }

  /** T6, T5: two KeyPackages, one of them used by a Welcome, one withdrawn. */
  async #join(): Promise<void> {
    let used: Bytes | undefined
    for (let i = 0; i < 2; i++)
      await this.#step('key package', async () => {
        const bundle = await this.#store.createKeyPackage({ suite: this.#suite, identity: this.#identities[0]! })
        used = bundle.message
        await this.#store.keyPackages.published(bundle.reference)
      })
    const bob = await this.#member('bob')
    const carol = await this.#member('carol')
    const config = this.#config()
    const group = await createGroupWith({ ...bob, config })
    const carols = await makeKeyPackage({ ...carol, clock: config.clock })
    const { staged } = await group.commit({ add: [used!, carols] })
    const welcome = group.merge(staged).welcome!
    const joined = await joinGroupWith({ suite: carol.suite, config, welcome, keyPackages: [carols] })
    this.#groupId = group.id
    this.#others.push(new PlainMember('bob', group, 0), new PlainMember('carol', joined.group, 0))
    await this.#step(
      'join',
      () => this.#store.join({ suite: this.#suite, welcome }),
      () => this.#holdsGroup(),
    )
  }

  async #addDave(): Promise<void> {
    const dave = await this.#member('dave')
    const config = this.#config()
    const bundle = await makeKeyPackage({ ...dave, clock: config.clock })
    await this.#act('add', (group) => group.commit({ add: [bundle.message], id: 'add' }))
    await this.#exchange()
    const welcome = this.#room.welcomes.at(-1)
    if (welcome === undefined) {
      this.#violations.push('I7: a Welcome was lost')
      return
    }
    const { group } = await joinGroupWith({ suite: dave.suite, config, welcome, keyPackages: [bundle] })
    this.#others.push(new PlainMember('dave', group, this.#room.archive.length))
    for (const text of [...this.#acknowledged, ...this.#toAlice]) this.#others.at(-1)!.shown.set(text, 1)
  }

  async #rejoin(bob: PlainMember): Promise<void> {
    // the life that ends takes its rows with it: what is left of its epochs shows before
    await this.#checkEpochs(this.#storage, bob.group.epoch)
    const groupInfo = await bob.group.groupInfo()
    const identity = createIdentity(this.#suite, 'alice')
    // the signer of the old life is needed until the new one counts
    this.#identities.push(identity)
    await this.#act('rejoin', (group) => group.rejoin({ identity, groupInfo, id: 'rejoin' }))
    await this.#exchange()
  }

  /** T8, and two groups in one store. */
  async #otherGroup(): Promise<void> {
    const id = utf8('other')
    const held = async () => (await this.#store.list()).find(({ groupId }) => equalBytes(groupId, id))
    await this.#step(
      'create',
      () => this.#store.create({ suite: this.#suite, identity: this.#identities[0]!, groupId: id }),
      async () => (await held()) !== undefined,
    )
    await this.#step(
      'leave',
      async () => (await this.#store.open(id)).leave(),
      async () => (await held())?.phase === 'gone',
    )
    if ((await held())?.phase !== 'gone') this.#violations.push('T8: a group that was left is there')
  }

  async #judge(bob: PlainMember): Promise<void> {
    this.#disk.makeRoom()
    const group = await this.#group()
    const last = await group.read((one) => one.epoch)
    const own = await group.read((one) => [one.epochAuthenticator, one.treeHash] as const)
    for (const other of this.#others)
      if (!equalBytes(other.group.epochAuthenticator, own[0]) || !equalBytes(other.group.treeHash, own[1]))
        this.#violations.push(`I3: ${other.name} is in another epoch`)
    for (const text of this.#acknowledged)
      for (const other of this.#others)
        if (other.shown.get(text) !== 1)
          this.#violations.push(`I4: ${other.name} saw ${text} ${other.shown.get(text)} times`)
    const kept: string[] = []
    for await (const { data } of group.exportHistory()) kept.push(fromUtf8(data))
    for (const text of [...this.#toAlice, ...this.#acknowledged])
      if (kept.filter((one) => one === text).length !== 1) this.#violations.push(`I4: alice has kept ${text} not once`)
    if (this.#store.outbox().length > 0) this.#violations.push('I7: the outbox is not empty')
    const keyPackages = await this.#store.keyPackages.list()
    if (!keyPackages.some(({ published }) => published))
      this.#violations.push('I6: a published KeyPackage without keys')
    await this.#reopen()
    await this.#store.close()
    const storage = await openSimulatedStorage({ disk: this.#disk, randomBytes: (n) => this.#rng.randomBytes(n) })
    if (await holdsAny(storage, this.#log.keys)) this.#violations.push('I5: a key that was used is in the store')
    await this.#checkEpochs(storage, last)
    if (bob.group.status !== 'active') throw new MlsError('internal/unreachable', 'bob is gone')
  }

  /** I5: nothing is left of epochs that are over. */
  async #checkEpochs(storage: Storage, last: bigint): Promise<void> {
    const over = [...this.#secrets].filter(([epoch]) => epoch < last - pastEpochs).flatMap(([, secrets]) => secrets)
    if (over.length < 4) this.#violations.push('I5: too few epochs are over')
    if (await holdsAny(storage, over)) this.#violations.push('I5: a secret of an epoch that is over is in the store')
  }
}
