/** Real groups that go through random steps together, with the array model beside them. */
import { expect } from 'vitest'
import { encode } from '../../src/codec/codec.ts'
import {
  type CipherSuite,
  type CommitOptions,
  createGroup,
  createIdentity,
  createKeyPackage,
  externalPskId,
  type Group,
  type GroupOptions,
  type Identity,
  joinExternal,
  joinGroup,
  type KeyPackageBundle,
  type ProposeOptions,
  restoreGroup,
  toHex,
} from '../../src/index.ts'
import { LeafNode } from '../../src/wire/leaf-node.ts'
import { ArrayGroup, expectTree } from './array-group.ts'

/** What may happen; `pick` and `more` choose members and amounts. */
export const actions = [
  'add',
  'add without path',
  'remove',
  'renew',
  'proposals',
  'race',
  'external join',
  'resync',
  'psk',
  'psk without path',
  'discard',
  'restore',
  'restore while pending',
] as const
export interface Step {
  readonly action: (typeof actions)[number]
  readonly pick: number
  readonly more: readonly number[]
}

export const maxMembers = 32

interface Newcomer {
  readonly identity: Identity
  readonly keyPackage: KeyPackageBundle
}

interface Client {
  readonly identity: Identity
  group: Group
}

export class Walk {
  readonly #suite: CipherSuite
  readonly #options: GroupOptions
  readonly #model: ArrayGroup
  #clients: Client[]
  #names = 0
  /** How often each action was taken, for reports. */
  readonly taken = new Map<string, number>()
  epochs = 0

  private constructor(suite: CipherSuite, options: GroupOptions, first: Client, model: ArrayGroup) {
    this.#suite = suite
    this.#options = options
    this.#clients = [first]
    this.#model = model
  }

  static async begin(suite: CipherSuite): Promise<Walk> {
    const options: GroupOptions = {
      handshakes: 'mls_public_message',
      psks: { externalPsk: (id) => suite.hash(id) },
    }
    const identity = createIdentity(suite, 'creator')
    const group = await createGroup({ suite, identity, options })
    const leaf = group.state.current.tree.leaf(0)
    if (leaf === undefined) throw new Error('no first leaf')
    return new Walk(suite, options, { identity, group }, new ArrayGroup(encode(LeafNode, leaf.leafNode)))
  }

  get size(): number {
    return this.#clients.length
  }

  async step({ action, pick, more }: Step): Promise<void> {
    const by = this.#at(pick)
    const others = more.map((n) => this.#at(n)).filter((one) => one !== by)
    const full = this.size + more.length + 1 > maxMembers
    if (full && ['add', 'add without path', 'external join'].includes(action)) return
    if (others.length === 0 && ['remove', 'resync', 'race'].includes(action)) return
    this.taken.set(action, (this.taken.get(action) ?? 0) + 1)
    switch (action) {
      case 'add':
      case 'add without path':
        return this.#add(by, more.length + 1, action === 'add' ? {} : { path: false })
      case 'remove':
        return this.#commit(by, { remove: leavesOf(others) })
      case 'renew':
        return this.#commit(by, {})
      case 'proposals':
        return this.#proposals(by, pick, more)
      case 'race':
        return this.#race(by, others)
      case 'external join':
        return this.#joinExternal({ identity: this.#identity(), group: by.group }, undefined)
      case 'resync':
        return this.#joinExternal(by, by.group.leafIndex)
      case 'psk':
      case 'psk without path': {
        const ids = [externalPskId(this.#suite, Uint8Array.from(more)), by.group.resumptionPskId('application')]
        return this.#commit(by, { psk: ids, path: action === 'psk' })
      }
      case 'discard': {
        const { staged } = await by.group.commit({ remove: leavesOf(others) })
        if (pick % 2 === 0) by.group.discard(staged)
        else by.group.discard()
        return this.check()
      }
      case 'restore':
        by.group = this.#restored(by)
        for (const other of others) other.group = this.#restored(other)
        return this.check()
      case 'restore while pending': {
        const { commit } = await by.group.commit({})
        by.group = this.#restored(by)
        return this.#deliver(commit)
      }
    }
  }

  /** All members are in one epoch, and each of their trees is the model's. */
  check(): void {
    const [first] = this.#clients
    const expected = first && toHex(first.group.epochAuthenticator)
    expect(this.#clients.map(({ group }) => group.leafIndex).sort((a, b) => a - b)).toEqual(this.#model.members)
    for (const { group, identity } of this.#clients) {
      expect(toHex(group.epochAuthenticator)).toBe(expected)
      expectTree(group.state.current.tree, this.#model.tree)
      expect(group.member(group.leafIndex)?.signatureKey).toEqual(identity.signer.publicKey)
    }
  }

  /** Somebody joins, looks at the whole tree (V160), and everybody talks. */
  async end(): Promise<void> {
    const by = this.#at(0)
    if (this.size === maxMembers) await this.#commit(by, { remove: leavesOf(this.#clients.slice(-1)) })
    await this.#add(this.#at(0), 1, {})
    const sender = this.#clients[this.#clients.length - 1] as Client
    const message = sender.group.protect(new Uint8Array([9]))
    for (const client of this.#clients)
      expect((await client.group.receive(message)).kind).toBe(client === sender ? 'own-message' : 'message')
  }

  #at(n: number): Client {
    return this.#clients[n % this.#clients.length] as Client
  }

  #identity(): Identity {
    return createIdentity(this.#suite, `member ${++this.#names}`)
  }

  #restored({ group, identity }: Client): Group {
    return restoreGroup(group.snapshot(), { suite: this.#suite, signers: [identity], options: this.#options })
  }

  #newcomers(count: number): Promise<Newcomer[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const identity = this.#identity()
        return { identity, keyPackage: await createKeyPackage({ suite: this.#suite, identity }) }
      }),
    )
  }

  async #add(by: Client, count: number, options: CommitOptions): Promise<void> {
    const newcomers = await this.#newcomers(count)
    await this.#commit(by, { ...options, add: newcomers.map(({ keyPackage }) => keyPackage) }, newcomers)
  }

  async #commit(by: Client, options: CommitOptions, newcomers: readonly Newcomer[] = []): Promise<void> {
    const { commit } = await by.group.commit(options)
    await this.#deliver(commit, newcomers)
  }

  /** The commit reaches everybody, its sender included; newcomers join, those who were removed go. */
  async #deliver(commit: Uint8Array, newcomers: readonly Newcomer[] = []): Promise<void> {
    this.epochs++
    this.#model.commit(commit)
    let welcome: Uint8Array | undefined
    for (const { group } of this.#clients) {
      const result = await group.receive(commit)
      expect(['commit', 'own-commit']).toContain(result.kind)
      if (result.kind === 'own-commit') welcome = result.welcome
    }
    expect(welcome !== undefined).toBe(newcomers.length > 0)
    this.#clients = this.#clients.filter(({ group }) => group.status === 'active')
    for (const { identity, keyPackage } of newcomers) {
      const input = { suite: this.#suite, keyPackage, welcome: welcome as Uint8Array, options: this.#options }
      this.#clients.push({ identity, group: await joinGroup(input) })
    }
    this.check()
  }

  /** Several members propose at once; somebody commits what fits together, by reference. */
  async #proposals(by: Client, pick: number, more: readonly number[]): Promise<void> {
    const room = maxMembers - this.size
    const newcomers: Newcomer[] = []
    const messages: Uint8Array[] = []
    for (const [i, n] of more.entries()) {
      const proposer = this.#at(pick + n)
      const target = this.#at(n).group.leafIndex
      let options: ProposeOptions = { update: true }
      if (n % 4 === 1 && target !== by.group.leafIndex) options = { remove: target }
      else if (n % 4 === 2 && newcomers.length < room) {
        newcomers.push(...(await this.#newcomers(1)))
        options = { add: (newcomers.at(-1) as Newcomer).keyPackage }
      } else if (n % 4 === 3) options = { psk: externalPskId(this.#suite, Uint8Array.of(i)) }
      messages.push((await proposer.group.propose(options)).proposal)
    }
    const sent = new Set<string>()
    for (const message of messages) {
      this.#model.propose(message)
      // one member that proposes the same twice has sent the same bytes twice
      const again = sent.has(toHex(message)) ? ['duplicate'] : ['proposal']
      sent.add(toHex(message))
      for (const { group } of this.#clients)
        expect(['own-message', ...again]).toContain((await group.receive(message)).kind)
    }
    await this.#commit(by, {}, newcomers)
  }

  /** Everybody named commits at once: the first one counts, the others see that theirs is void. */
  async #race(by: Client, others: readonly Client[]): Promise<void> {
    const late: Uint8Array[] = []
    for (const other of new Set(others)) late.push((await other.group.commit({})).commit)
    const { commit } = await by.group.commit({})
    this.epochs++
    this.#model.commit(commit)
    for (const { group } of this.#clients) {
      await group.receive(commit)
      expect(group.pending).toBe(undefined)
      for (const message of late) expect((await group.receive(message)).kind).toBe('past-epoch')
    }
    this.check()
  }

  /** A newcomer, or a member that lost its state (resync), joins by external commit. */
  async #joinExternal(client: Client, replaces: number | undefined): Promise<void> {
    const helper = replaces === undefined ? client : (this.#clients.find((one) => one !== client) as Client)
    const groupInfo = await helper.group.groupInfo()
    const { identity } = client
    const input = { suite: this.#suite, identity, groupInfo, options: this.#options }
    const join = await joinExternal({ ...input, ...(replaces === undefined ? {} : { replaces }) })
    this.epochs++
    this.#model.commit(join.commit)
    for (const { group } of this.#clients) {
      const result = await group.receive(join.commit)
      expect(result.kind === 'commit' && result.removed).toBe(group.leafIndex === replaces)
    }
    this.#clients = this.#clients.filter(({ group }) => group.status === 'active')
    this.#clients.push({ identity, group: join.complete() })
    this.check()
  }
}

function leavesOf(clients: readonly Client[]): number[] {
  return [...new Set(clients.map(({ group }) => group.leafIndex))]
}
