/**
 * Live groups of our members and members of ts-mls. Every step is a random operation by a random member of either kind; after
 * it all members have the same epoch authenticator and export the same secret. The seed is printed; `INTEROP_SEED` and
 * `INTEROP_STEPS` repeat a run.
 */
import * as tsMls from 'ts-mls'
import { describe, expect, test } from 'vitest'
import { cipherSuite, toHex } from '../../src/index.ts'
import { need, OurPeer, type Peer } from './peer.ts'
import { TsMlsPeer, tsMlsCanJoin } from './ts-mls-peer.ts'

const seed = Number(process.env['INTEROP_SEED'] ?? Date.now() % 1_000_000)
const total = Number(process.env['INTEROP_STEPS'] ?? 500)
console.log(`interop with ts-mls: seed ${seed}, at least ${total} steps`)

/** Mulberry32. */
function random(state: number): () => number {
  let a = state >>> 0
  return () => {
    a = (a + 0x6d2b79f5) >>> 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32
  }
}

/** How often each operation was done by each kind of member. */
const counts = new Map<string, number>()

/** Members beyond this leave rather than come. */
const most = 8

class Script {
  readonly #next: () => number
  readonly #ours: (name: string) => OurPeer
  readonly #theirs: (name: string) => TsMlsPeer
  members: Peer[] = []
  #names = 0
  runs = 0
  /** The step under way, for the report of a failure. */
  last = 'the beginning'

  constructor(next: () => number, ours: (name: string) => OurPeer, theirs: (name: string) => TsMlsPeer) {
    this.#next = next
    this.#ours = ours
    this.#theirs = theirs
  }

  pick<T>(list: readonly T[]): T {
    return need(list[Math.floor(this.#next() * list.length)])
  }

  /** Up to `count` different ones. */
  some<T>(list: readonly T[], count: number): T[] {
    const rest = [...list]
    const taken: T[] = []
    while (taken.length < count && rest.length > 0)
      taken.push(need(rest.splice(Math.floor(this.#next() * rest.length), 1)[0]))
    return taken
  }

  peer(kind: Peer['kind']): Peer {
    const name = `${kind} ${this.#names++}`
    return kind === 'ours' ? this.#ours(name) : this.#theirs(name)
  }

  newcomer(): Peer {
    return this.peer(this.#next() < 0.5 ? 'ours' : 'ts-mls')
  }

  groupId(): Uint8Array {
    return Uint8Array.from({ length: 16 }, () => Math.floor(this.#next() * 256))
  }

  async begin(kind: Peer['kind']) {
    const founder = this.peer(kind)
    await founder.create(this.groupId())
    this.members = [founder]
    await this.add(founder, [this.peer('ours'), this.peer('ts-mls')])
    await this.agree()
  }

  async deliver(from: Peer, message: Uint8Array) {
    for (const member of this.members) if (member !== from) await member.receive(message)
  }

  async add(by: Peer, newcomers: readonly Peer[]) {
    const add = await Promise.all(newcomers.map((newcomer) => newcomer.keyPackage()))
    const { commit, welcome } = await by.commit({ add, public: this.#next() < 0.3 })
    await this.deliver(by, commit)
    await this.welcome(newcomers, need(welcome))
  }

  /** The newcomers join; one of ts-mls that would not take the tree is removed again. */
  async welcome(newcomers: readonly Peer[], welcome: Uint8Array) {
    const joining: Peer[] = []
    for (const newcomer of [...newcomers].sort((a, b) => a.kind.localeCompare(b.kind))) {
      if (newcomer.kind === 'ts-mls' && !this.tsMlsCanJoin()) continue
      await newcomer.join(welcome)
      joining.push(newcomer)
      this.members.push(newcomer)
    }
    if (joining.length === newcomers.length) return
    const { group } = this.ours()
    const known = new Set(this.members.map(({ leaf }) => leaf))
    const remove = [...group.members()].map(({ leafIndex }) => leafIndex).filter((leaf) => !known.has(leaf))
    const { commit } = await this.ours().commit({ remove })
    await this.deliver(this.ours(), commit)
  }

  /** A member of ours; there always is one. */
  ours(): OurPeer {
    return need(this.members.find((member): member is OurPeer => member instanceof OurPeer))
  }

  tsMlsCanJoin(): boolean {
    return tsMlsCanJoin(this.ours().group.ratchetTree())
  }

  /** Whether these may go: one of ours stays, and somebody in the left half of the tree. */
  mayGo(gone: readonly Peer[]): boolean {
    const rest = this.members.filter((member) => !gone.includes(member))
    const leaves = rest.map(({ leaf }) => leaf)
    let width = 1
    while (width <= Math.max(...leaves)) width *= 2
    return rest.some(({ kind }) => kind === 'ours') && (width === 1 || leaves.some((leaf) => leaf < width / 2))
  }

  async step() {
    const by = this.pick(this.members)
    const others = this.members.filter((member) => member !== by)
    const operations = [
      'commit',
      'commit',
      'send',
      'send',
      'psk',
      'propose remove',
      'propose update',
      'propose add',
      'external join',
      'resync',
    ]
    operations.push(this.members.length < most ? 'add' : 'remove', this.members.length > 3 ? 'remove' : 'add')
    const rare = this.#next()
    const operation = rare < 0.07 ? 'reinit' : rare < 0.14 ? 'branch' : this.pick(operations)
    this.last = `${operation} by ${by.name}, members ${this.members.map(({ name, leaf }) => `${name} at ${leaf}`).join(', ')}`
    await this.run(operation, by, others)
    await this.agree()
  }

  async run(operation: string, by: Peer, others: readonly Peer[]): Promise<void> {
    const before = this.runs
    await this.perform(operation, by, others)
    // an operation that was replaced by another one does not count
    if (this.runs++ === before)
      counts.set(`${operation} by ${by.kind}`, (counts.get(`${operation} by ${by.kind}`) ?? 0) + 1)
  }

  async perform(operation: string, by: Peer, others: readonly Peer[]): Promise<void> {
    const asPublic = this.#next() < 0.3
    switch (operation) {
      case 'add':
        return this.add(by, this.#next() < 0.3 ? [this.newcomer(), this.newcomer()] : [this.newcomer()])
      case 'commit':
      case 'psk': {
        const { commit } = await by.commit({ psk: operation === 'psk', public: asPublic })
        return this.deliver(by, commit)
      }
      case 'send': {
        const data = Uint8Array.from({ length: Math.floor(this.#next() * 500) }, (_, i) => i & 255)
        const message = await by.send(data)
        for (const other of others) expect(toHex(need(await other.receive(message)))).toBe(toHex(data))
        return
      }
      case 'remove': {
        // ts-mls has no path with a single Remove
        const several = by.kind === 'ts-mls' || this.#next() < 0.2
        if (several && this.members.length < 4) return this.run('add', by, others)
        const gone = this.some(others, several ? 2 : 1)
        if (!this.mayGo(gone)) return this.run('commit', by, others)
        const { commit } = await by.commit({ remove: gone.map(({ leaf }) => leaf), public: asPublic })
        this.members = this.members.filter((member) => !gone.includes(member))
        return this.deliver(by, commit)
      }
      case 'propose remove': {
        if (this.members.length < 4) return this.run('commit', by, others)
        const gone = this.some(others, 2)
        if (!this.mayGo(gone)) return this.run('commit', by, others)
        for (const { leaf } of gone) await this.deliver(by, await by.propose({ remove: leaf }, asPublic))
        const committer = this.pick(this.members.filter((member) => !gone.includes(member)))
        this.last += `; ${gone.map(({ name }) => name).join(' and ')} removed by ${committer.name}`
        const { commit } = await committer.commit({})
        this.members = this.members.filter((member) => !gone.includes(member))
        return this.deliver(committer, commit)
      }
      case 'propose update': {
        // ts-mls has no call that proposes an Update
        const able = this.members.filter((member) => member.kind === 'ours')
        const proposers = this.some(able, 2)
        if (proposers.length === 0 || this.members.length < 3) return this.run('commit', by, others)
        // ts-mls seals paths to the leaves as they were before an Update
        const fit = able.filter((member) => !proposers.includes(member))
        const committer = fit.length > 0 ? this.pick(fit) : need(proposers.pop())
        if (proposers.length === 0) return this.run('commit', by, others)
        for (const one of proposers) await this.deliver(one, await one.propose({ update: true }, asPublic))
        const { commit } = await committer.commit({})
        return this.deliver(committer, commit)
      }
      case 'propose add': {
        if (this.members.length >= most) return this.run('remove', by, others)
        const newcomer = this.newcomer()
        await this.deliver(by, await by.propose({ add: await newcomer.keyPackage() }, asPublic))
        const committer = this.pick(this.members)
        const { commit, welcome } = await committer.commit({})
        await this.deliver(committer, commit)
        return this.welcome([newcomer], need(welcome))
      }
      case 'external join': {
        if (this.members.length >= most) return this.run('remove', by, others)
        const newcomer = this.tsMlsCanJoin() ? this.newcomer() : this.peer('ours')
        const commit = await newcomer.joinExternal(await by.groupInfo(), false)
        await this.deliver(newcomer, commit)
        this.members.push(newcomer)
        return
      }
      case 'resync': {
        const lost = this.pick(others)
        if (lost.kind === 'ts-mls' && !this.tsMlsCanJoin()) return this.run('commit', by, others)
        const groupInfo = await by.groupInfo()
        const commit = await lost.joinExternal(groupInfo, true)
        return this.deliver(lost, commit)
      }
      case 'reinit': {
        const groupId = this.groupId()
        await this.deliver(by, await by.reinit(groupId))
        const founder = this.pick(this.members)
        const rest = this.members.filter((member) => member !== founder)
        const keyPackages = await Promise.all(rest.map((member) => member.keyPackage()))
        const invitation = await founder.beginReinit(keyPackages, groupId)
        for (const member of rest) {
          await member.joinReinit(invitation)
        }
        return
      }
      case 'branch': {
        const guests = others.slice(0, 2)
        const keyPackages = await Promise.all(guests.map((guest) => guest.keyPackage()))
        const { peer, ...invitation } = await by.branch(keyPackages, this.groupId())
        const branch = [peer]
        for (const guest of guests) branch.push(await guest.joinBranch(invitation))
        return agree(branch)
      }
      default:
        throw new Error(`no such operation: ${operation}`)
    }
  }

  agree() {
    return agree(this.members)
  }
}

/** All members are in the same epoch and export the same secret. */
async function agree(members: readonly Peer[]) {
  const [first, ...rest] = members
  const [authenticator, exported] = [toHex(need(first).authenticator()), toHex(await need(first).export())]
  for (const member of rest) {
    expect(member.epoch, member.name).toBe(need(first).epoch)
    expect(toHex(member.authenticator()), member.name).toBe(authenticator)
    expect(toHex(await member.export()), member.name).toBe(exported)
  }
}

const suites = [
  'MLS_128_DHKEMX25519_AES128GCM_SHA256_Ed25519',
  'MLS_128_DHKEMP256_AES128GCM_SHA256_P256',
  'MLS_128_DHKEMX25519_CHACHA20POLY1305_SHA256_Ed25519',
  'MLS_256_DHKEMP384_AES256GCM_SHA384_P384',
] as const

describe('live groups with ts-mls', () => {
  test.each(suites.map((name, i) => [name, i] as const))('%s', async (name, i) => {
    const ours = await cipherSuite(name)
    const theirs = await tsMls.getCiphersuiteImpl(name)
    const share = name.includes('P384') ? 0.1 : 0.3
    const steps = Math.ceil(total * share)
    const script = new Script(
      random(seed + i),
      (peer) => new OurPeer(ours, peer),
      (peer) => new TsMlsPeer(theirs, name, peer, ours, ours.generateSignatureKeyPair()),
    )
    let step = 0
    try {
      for (; step < steps; step++) {
        if (step % Math.ceil(steps / 4) === 0) await script.begin(step % 2 === 0 ? 'ours' : 'ts-mls')
        await script.step()
      }
    } catch (error) {
      throw new Error(`step ${step} of ${name}, seed ${seed}: ${script.last}`, { cause: error })
    }
  })

  test('both sides did everything', () => {
    const everything = [
      'add',
      'commit',
      'send',
      'psk',
      'remove',
      'propose remove',
      'propose add',
      'external join',
      'resync',
    ]
    const missing = [...everything, 'reinit', 'branch'].flatMap((operation) =>
      ['ours', 'ts-mls'].map((kind) => `${operation} by ${kind}`).filter((name) => !counts.has(name)),
    )
    expect(missing).toEqual([])
  })
})
