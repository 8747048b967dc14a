/**
 * One member of a group, as a script drives it: ours, or one of ts-mls (an implementation that we did not write). All that
 * passes between members is bytes.
 */
import type { RatchetTree } from 'ts-mls'
import {
  branchGroup,
  type CipherSuite,
  createGroup,
  createIdentity,
  createKeyPackage,
  externalPskId,
  type Group,
  type Identity,
  joinExternal,
  joinGroup,
  type KeyPackageBundle,
  reinitGroup,
} from '../../src/index.ts'

/** What a commit does, in the words of the script. */
export interface Change {
  readonly add?: readonly Uint8Array[]
  readonly remove?: readonly number[]
  readonly psk?: boolean
  readonly public?: boolean
}

/** What leaves after a commit. */
export interface Committed {
  readonly commit: Uint8Array
  readonly welcome: Uint8Array | undefined
}

/** A Welcome, and the ratchet tree where the Welcome does not carry it. */
export interface Invitation {
  readonly welcome: Uint8Array
  readonly tree?: Uint8Array
  /** The tree as ts-mls itself takes it, which has no call that decodes one. */
  readonly tsMlsTree?: RatchetTree
}

/** The external pre-shared key that all members know. */
export const pskId = new TextEncoder().encode('interop')
export const psk = new Uint8Array(32).fill(7)

/** See the file. */
export interface Peer {
  readonly kind: 'ours' | 'ts-mls'
  readonly name: string
  readonly leaf: number
  readonly epoch: bigint
  keyPackage(): Promise<Uint8Array>
  create(groupId: Uint8Array): Promise<void>
  join(welcome: Uint8Array): Promise<void>
  joinExternal(groupInfo: Uint8Array, resync: boolean): Promise<Uint8Array>
  groupInfo(): Promise<Uint8Array>
  commit(change: Change): Promise<Committed>
  propose(what: { update: true } | { remove: number } | { add: Uint8Array }, asPublic: boolean): Promise<Uint8Array>
  receive(message: Uint8Array): Promise<Uint8Array | undefined>
  send(data: Uint8Array): Promise<Uint8Array>
  authenticator(): Uint8Array
  export(): Promise<Uint8Array>
  reinit(groupId: Uint8Array): Promise<Uint8Array>
  beginReinit(keyPackages: readonly Uint8Array[], groupId: Uint8Array): Promise<Invitation>
  joinReinit(invitation: Invitation): Promise<void>
  /** A member of the branch, and the invitation to it. */
  branch(keyPackages: readonly Uint8Array[], groupId: Uint8Array): Promise<Invitation & { readonly peer: Peer }>
  joinBranch(invitation: Invitation): Promise<Peer>
}

/** A member of our engine. */
export class OurPeer implements Peer {
  readonly kind = 'ours'
  readonly name: string
  readonly #suite: CipherSuite
  readonly #identity: Identity
  readonly #options = { psks: { externalPsk: () => psk } }
  #keys: KeyPackageBundle[] = []
  #group: Group | undefined
  /** The own leaf, where the state was lost. */
  knownLeaf: number | undefined

  constructor(suite: CipherSuite, name: string, group?: Group, identity?: Identity) {
    this.#suite = suite
    this.name = name
    this.#identity = identity ?? createIdentity(suite, name)
    this.#group = group
  }

  get group(): Group {
    if (this.#group === undefined) throw new Error('not in a group')
    return this.#group
  }

  get leaf(): number {
    return this.group.leafIndex
  }

  get epoch(): bigint {
    return this.group.epoch
  }

  async keyPackage() {
    const keys = await createKeyPackage({ suite: this.#suite, identity: this.#identity })
    this.#keys.push(keys)
    return keys.message
  }

  async create(groupId: Uint8Array) {
    this.#group = await createGroup({ suite: this.#suite, identity: this.#identity, groupId, options: this.#options })
  }

  async join(welcome: Uint8Array) {
    this.#group = await joinGroup({ suite: this.#suite, welcome, keyPackage: this.#keys, options: this.#options })
  }

  async joinExternal(groupInfo: Uint8Array, resync: boolean) {
    const replaces = resync ? { replaces: this.knownLeaf ?? this.leaf } : {}
    const input = { suite: this.#suite, identity: this.#identity, groupInfo, options: this.#options, ...replaces }
    const join = await joinExternal(input)
    this.#group = join.complete()
    return join.commit
  }

  groupInfo() {
    return this.group.groupInfo()
  }

  async commit({ add = [], remove = [], psk: usePsk = false, public: asPublic = false }: Change) {
    const { commit, staged } = await this.group.commit({
      add,
      remove,
      psk: usePsk ? [externalPskId(this.#suite, pskId)] : [],
      wireFormat: asPublic ? 'mls_public_message' : 'mls_private_message',
    })
    return { commit, welcome: this.group.merge(staged).welcome }
  }

  async propose(what: { update: true } | { remove: number } | { add: Uint8Array }, asPublic: boolean) {
    const wireFormat = asPublic ? 'mls_public_message' : 'mls_private_message'
    return (await this.group.propose({ ...what, wireFormat })).proposal
  }

  async receive(message: Uint8Array) {
    const result = await this.group.receive(message)
    if (result.kind === 'message') return result.data
    if (result.kind !== 'commit' && result.kind !== 'proposal') throw new Error(`unexpected ${result.kind}`)
    return undefined
  }

  async send(data: Uint8Array) {
    return this.group.protect(data)
  }

  authenticator() {
    return this.group.epochAuthenticator
  }

  async export() {
    return this.group.exportSecret('interop', new Uint8Array([1, 2, 3]), 42)
  }

  async reinit(groupId: Uint8Array) {
    const reinit = { groupId: Uint8Array.from(groupId), cipherSuite: this.#suite.parameters.id, extensions: [] }
    const { commit, staged } = await this.group.commit({ reinit })
    this.group.merge(staged)
    return commit
  }

  async beginReinit(keyPackages: readonly Uint8Array[]) {
    const { group, staged } = await reinitGroup({
      suite: this.#suite,
      group: this.group,
      identity: this.#identity,
      add: keyPackages,
      options: this.#options,
    })
    const { welcome } = group.merge(staged)
    this.#group = group
    return { welcome: need(welcome) }
  }

  async joinReinit(invitation: Invitation) {
    this.#group = await this.#follow(invitation, 'reinit')
  }

  async branch(keyPackages: readonly Uint8Array[], groupId: Uint8Array) {
    const { group, staged } = await branchGroup({
      group: this.group,
      identity: this.#identity,
      add: keyPackages,
      groupId,
      options: this.#options,
    })
    const { welcome } = group.merge(staged)
    return { peer: new OurPeer(this.#suite, this.name, group, this.#identity), welcome: need(welcome) }
  }

  async joinBranch(invitation: Invitation) {
    return new OurPeer(this.#suite, this.name, await this.#follow(invitation, 'branch'), this.#identity)
  }

  #follow({ welcome, tree }: Invitation, usage: 'reinit' | 'branch') {
    const follows = { group: this.group, usage }
    const ratchetTree = tree === undefined ? {} : { ratchetTree: tree }
    const input = {
      suite: this.#suite,
      welcome,
      keyPackage: this.#keys,
      follows,
      options: this.#options,
      ...ratchetTree,
    }
    return joinGroup(input)
  }
}

/** A value that must be there. */
export function need<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('something is missing')
  return value
}
