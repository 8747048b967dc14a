import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import { type Bytes, equalBytes } from '../../src/bytes/bytes.ts'
import { toHex } from '../../src/bytes/text.ts'
import type { GroupConfig } from '../../src/commit/config.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import type { CommitOptions } from '../../src/group/commit-options.ts'
import { createGroupWith, joinExternalWith, joinGroupWith } from '../../src/group/create-group.ts'
import { makeConfig } from '../../src/group/defaults.ts'
import type { Group } from '../../src/group/group.ts'
import type { ProposeOptions } from '../../src/group/propose.ts'
import { systemClock } from '../../src/providers/system-clock.ts'
import type { FramedWireFormat } from '../../src/wire/framed-content.ts'
import type { PreSharedKeyId } from '../../src/wire/psk.ts'
import { present } from '../expect.ts'
import { type Client, newClient } from './simulated-group.ts'

/** How the group of a scenario works. */
export interface ScenarioOptions {
  readonly handshakes: FramedWireFormat
  /** Whether Welcomes carry the ratchet tree. */
  readonly ratchetTree: boolean
}

interface ExternalPsk {
  readonly pskId: Bytes
  readonly psk: Bytes
}

/** Members that are played by groups of ours; beyond them, newcomers are added and never heard of again. */
const played = 4

/**
 * A group that a passive client joins and follows. All members but the passive one are played by groups of ours, whose
 * epoch authenticators say what the passive client must come to.
 */
export class Scenario {
  readonly suite: CipherSuite
  readonly #options: ScenarioOptions
  readonly #config: GroupConfig
  readonly #psks: ExternalPsk[] = []
  readonly #waiting: Client[] = []
  #members: Group[] = []
  #passive: { client: Client; welcome: Bytes; ratchetTree: Bytes; authenticator: Bytes } | undefined
  #proposals: Bytes[] = []
  readonly #epochs: unknown[] = []

  private constructor(suite: CipherSuite, options: ScenarioOptions) {
    this.suite = suite
    this.#options = options
    this.#config = makeConfig(
      { handshakes: options.handshakes, ratchetTreeExtension: options.ratchetTree, limits: { pastEpochs: 0 } },
      {
        authentication: basicAuthentication(),
        psks: { externalPsk: (id) => this.#psks.find(({ pskId }) => equalBytes(pskId, id))?.psk },
        clock: systemClock,
      },
    )
  }

  /** A group of `size` members without the passive client. */
  static async create(suite: CipherSuite, options: ScenarioOptions, size: number): Promise<Scenario> {
    const scenario = new Scenario(suite, options)
    const { identity } = await newClient(suite)
    scenario.#members = [await createGroupWith({ suite, config: scenario.#config, identity })]
    for (let i = 1; i < size; i++) {
      await scenario.commit(scenario.member(0), { add: [await scenario.newcomer()] })
      // every member has a path of its own, so that the tree is populated
      await scenario.commit(scenario.member(i), {})
    }
    return scenario
  }

  /** The members that are played, in the order of their coming. */
  get members(): readonly Group[] {
    return this.#members
  }

  /** A played member by order. */
  member(order: number): Group {
    return present(`member ${order}`, this.#members[order])
  }

  /** The leaf of the passive client. */
  get passiveLeaf(): number | undefined {
    const key = this.#passive?.client.signer.publicKey
    return key && this.member(0).memberWithSignatureKey(key)?.leafIndex
  }

  /** The KeyPackage of one who may be added, and then takes part. */
  async newcomer(): Promise<Bytes> {
    const client = await newClient(this.suite)
    this.#waiting.push(client)
    return client.message
  }

  /** The id of a new external PSK that all members know, the passive one included. */
  externalPsk(): PreSharedKeyId {
    const pskId = this.suite.randomBytes(12)
    this.#psks.push({ pskId, psk: this.suite.randomBytes(32) })
    return { psktype: 'external', pskId, pskNonce: this.suite.randomBytes(this.suite.parameters.hashLength) }
  }

  /** Adds the passive client; from here on, every commit is part of the vector. */
  async addPassive(options: CommitOptions): Promise<void> {
    const client = await newClient(this.suite)
    const committer = this.member(0)
    const { welcome } = await this.#commit(committer, { ...options, add: [client.message] })
    this.#passive = {
      client,
      welcome: present('the Welcome', welcome),
      ratchetTree: committer.ratchetTree(),
      authenticator: committer.epochAuthenticator,
    }
    this.#epochs.length = 0
  }

  /** A proposal, received by all. */
  async propose(proposer: Group, options: ProposeOptions): Promise<void> {
    const { proposal } = await proposer.propose(options)
    this.#proposals.push(proposal)
    for (const member of this.#members) if (member !== proposer) await member.receive(proposal)
  }

  /** A commit, received by all. */
  async commit(committer: Group, options: CommitOptions): Promise<void> {
    await this.#commit(committer, options)
  }

  /** Someone joins by external commit; with `replaces`, as a member that lost its state. */
  async joinExternally(replaces?: Group): Promise<void> {
    const groupInfo = await this.member(0).groupInfo({ ratchetTree: true, externalPub: true })
    const { identity } = await newClient(this.suite)
    const lost = replaces?.member(replaces.leafIndex)
    const joined = await joinExternalWith({
      suite: this.suite,
      config: this.#config,
      identity: { ...identity, credential: lost?.credential ?? identity.credential },
      groupInfo,
      ...(lost === undefined ? {} : { replaces: lost.leafIndex }),
    })
    this.#members = this.#members.filter((member) => member !== replaces)
    for (const member of this.#members) await member.receive(joined.commit)
    const group = joined.complete()
    this.#members.push(group)
    this.#recordEpoch(joined.commit, group)
  }

  /** The vector. */
  describe(): unknown {
    const { client, welcome, ratchetTree, authenticator } = present('the passive client', this.#passive)
    return {
      cipher_suite: this.suite.parameters.id,
      external_psks: this.#psks.map(({ pskId, psk }) => ({ psk_id: toHex(pskId), psk: toHex(psk) })),
      key_package: toHex(client.message),
      signature_priv: toHex(client.privateKey),
      encryption_priv: toHex(client.encryptionKeyPair.privateKey),
      init_priv: toHex(client.initKeyPair.privateKey),
      welcome: toHex(welcome),
      ratchet_tree: this.#options.ratchetTree ? null : toHex(ratchetTree),
      initial_epoch_authenticator: toHex(authenticator),
      epochs: this.#epochs,
    }
  }

  async #commit(committer: Group, options: CommitOptions): Promise<{ readonly welcome: Bytes | undefined }> {
    const { commit, staged } = await committer.commit(options)
    for (const member of this.#members) if (member !== committer) await member.receive(commit)
    const { welcome } = committer.merge(staged)
    this.#members = this.#members.filter(({ status }) => status === 'active')
    this.#recordEpoch(commit, committer)
    if (welcome !== undefined) await this.#join(committer, welcome)
    return { welcome }
  }

  /** Newcomers that were added take part while there is room; all others are only leaves. */
  async #join(committer: Group, welcome: Bytes): Promise<void> {
    for (const client of this.#waiting.splice(0)) {
      if (committer.memberWithSignatureKey(client.signer.publicKey) === undefined) this.#waiting.push(client)
      else if (this.#members.length < played) {
        const { group } = await joinGroupWith({
          suite: this.suite,
          config: this.#config,
          welcome,
          keyPackages: [client],
          ...(this.#options.ratchetTree ? {} : { ratchetTree: committer.ratchetTree() }),
        })
        this.#members.push(group)
      }
    }
  }

  #recordEpoch(commit: Bytes, member: Group): void {
    this.#epochs.push({
      proposals: this.#proposals.map(toHex),
      commit: toHex(commit),
      epoch_authenticator: toHex(member.epochAuthenticator),
    })
    this.#proposals = []
  }
}
