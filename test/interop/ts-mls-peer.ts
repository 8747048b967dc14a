/**
 * A member of ts-mls 2.0.0-rc.10. Defects of that release that this peer and the script steer around, without any check of
 * ours made weaker:
 *
 * - A commit has a path only when it has no proposal, two Removes or two Updates; one Remove or one Update goes without
 *   (ts-mls #436). So its members remove two at a time.
 * - A path beside Updates is sealed to the leaves as they were before them (ts-mls #505): Updates are committed by ours.
 * - A commit with group_context_extensions is sealed under the old context (ts-mls #497): the script has none.
 * - `processMessage` drops the external pre-shared keys for PrivateMessages: this peer calls `processPrivateMessage`.
 * - It makes compressed ECDSA public keys, which RFC 9420 §5.1.1 does not allow: the signature keys are made by our provider.
 * - The external_pub extension holds the key without its inner length (ts-mls #449): its GroupInfos are mended and signed
 *   again with the same key, and its HPKE import strips the length of ours.
 * - On join it wants every parent above an unmerged leaf to have the same list of unmerged leaves, which RFC 9420 §7.1 does
 *   not say: {@link tsMlsCanJoin} tells whether it would take a tree.
 * - When the root is blank (one half of the tree is), it derives the commit secret one step too far: the script keeps a
 *   member in the left half.
 * - It has no call that proposes an Update.
 * - KeyPackages carry GREASE extensions that its capabilities do not list: accepted (V136, V342).
 */
import * as tsMls from 'ts-mls'
import { decode as decodeWith } from '../../src/codec/codec.ts'
import {
  type CipherSuite,
  decodeMlsMessage,
  encodeMlsMessage,
  extensionTypes,
  findExtension,
  keySigner,
  type SignatureKeyPair,
  type Signer,
  setExtension,
} from '../../src/index.ts'
import { signGroupInfo } from '../../src/signed/group-info.ts'
import { directPath, fullWidth } from '../../src/tree-math/tree-math.ts'
import { ExternalPub } from '../../src/wire/extension.ts'
import { RatchetTree } from '../../src/wire/ratchet-tree.ts'
import type { Change, Invitation, Peer } from './peer.ts'
import { need, psk, pskId } from './peer.ts'

type State = tsMls.ClientState
interface Keys {
  readonly publicPackage: tsMls.KeyPackage
  readonly privatePackage: tsMls.PrivateKeyPackage
}

/** Whether ts-mls would take this `ratchet_tree`; see the list of its defects. */
export function tsMlsCanJoin(tree: Uint8Array): boolean {
  const nodes = decodeWith(RatchetTree, tree)
  const lists = new Map<number, readonly number[]>()
  nodes.forEach((node, i) => {
    if (node?.nodeType === 'parent') lists.set(i, node.parentNode.unmergedLeaves)
  })
  const width = fullWidth((nodes.length + 1) / 2)
  for (const list of lists.values())
    for (const leaf of list)
      for (const ancestor of directPath(2 * leaf, width)) {
        const other = lists.get(ancestor)
        if (other !== undefined && other.join() !== list.join()) return false
      }
  return true
}

const decode = (bytes: Uint8Array): tsMls.MlsMessage => {
  const message = tsMls.decode(tsMls.mlsMessageDecoder, bytes)
  if (message === undefined) throw new Error('ts-mls cannot decode a message')
  return message
}
const encode = (message: tsMls.MlsMessage): Uint8Array => tsMls.encode(tsMls.mlsMessageEncoder, message)
const version = tsMls.protocolVersions.mls10

/** See the file. */
export class TsMlsPeer implements Peer {
  readonly kind = 'ts-mls'
  readonly name: string
  readonly #suite: tsMls.CiphersuiteImpl
  readonly #suiteName: tsMls.CiphersuiteName
  readonly #context: tsMls.MlsContext
  readonly #ours: CipherSuite
  readonly #signature: SignatureKeyPair
  #keys: Keys[] = []
  #state: State | undefined

  constructor(
    suite: tsMls.CiphersuiteImpl,
    suiteName: tsMls.CiphersuiteName,
    name: string,
    ours: CipherSuite,
    signature: SignatureKeyPair,
    state?: State,
  ) {
    this.#ours = ours
    this.#signature = signature
    this.#suite = {
      ...suite,
      hpke: {
        ...suite.hpke,
        importPublicKey: (key) => suite.hpke.importPublicKey(key.slice(key.length - ours.parameters.publicKeyLength)),
      },
    }
    this.#suiteName = suiteName
    this.name = name
    this.#state = state
    this.#context = {
      cipherSuite: this.#suite,
      authService: tsMls.unsafeTestingAuthenticationService,
      externalPsks: { [tsMls.bytesToBase64(pskId)]: psk },
    }
  }

  get #signer(): Signer {
    return keySigner(this.#ours, this.#signature.privateKey)
  }

  get state(): State {
    return need(this.#state)
  }

  get leaf(): number {
    return this.state.privatePath.leafIndex
  }

  get epoch(): bigint {
    return this.state.groupContext.epoch
  }

  async #newKeys(): Promise<Keys> {
    const keys = await tsMls.generateKeyPackageWithKey({
      credential: {
        credentialType: tsMls.defaultCredentialTypes.basic,
        identity: new TextEncoder().encode(this.name),
      },
      capabilities: tsMls.defaultCapabilities(),
      lifetime: {
        notBefore: BigInt(Math.floor(Date.now() / 1000)) - 3600n,
        notAfter: BigInt(Math.floor(Date.now() / 1000)) + 86_400n,
      },
      signatureKeyPair: { signKey: this.#signature.privateKey, publicKey: this.#signature.publicKey },
      cipherSuite: this.#suite,
    })
    this.#keys.push(keys)
    return keys
  }

  async keyPackage() {
    const { publicPackage } = await this.#newKeys()
    return encode({ version, wireformat: tsMls.wireformats.mls_key_package, keyPackage: publicPackage })
  }

  async create(groupId: Uint8Array) {
    const { publicPackage, privatePackage } = await this.#newKeys()
    const keys = { keyPackage: publicPackage, privateKeyPackage: privatePackage }
    this.#state = await tsMls.createGroup({ context: this.#context, groupId, ...keys })
  }

  async #keysFor(welcome: tsMls.Welcome): Promise<Keys> {
    for (const keys of this.#keys) {
      const ref = await tsMls.makeKeyPackageRef(keys.publicPackage, this.#suite.hash)
      if (welcome.secrets.some(({ newMember }) => Buffer.from(newMember).equals(Buffer.from(ref)))) return keys
    }
    throw new Error('a Welcome for somebody else')
  }

  #welcome(bytes: Uint8Array): tsMls.Welcome {
    const message = decode(bytes)
    if (message.wireformat !== tsMls.wireformats.mls_welcome) throw new Error('not a Welcome')
    return message.welcome
  }

  async join(bytes: Uint8Array) {
    const welcome = this.#welcome(bytes)
    const { publicPackage, privatePackage } = await this.#keysFor(welcome)
    const keys = { keyPackage: publicPackage, privateKeys: privatePackage }
    this.#state = await tsMls.joinGroup({ context: this.#context, welcome, ...keys })
  }

  async joinExternal(groupInfo: Uint8Array, resync: boolean) {
    const message = decode(groupInfo)
    if (message.wireformat !== tsMls.wireformats.mls_group_info) throw new Error('not a GroupInfo')
    const { publicPackage, privatePackage } = await this.#newKeys()
    const { publicMessage, newState } = await tsMls.joinGroupExternal({
      context: this.#context,
      groupInfo: message.groupInfo,
      keyPackage: publicPackage,
      privateKeys: privatePackage,
      resync,
    })
    this.#state = newState
    return encode({ version, wireformat: tsMls.wireformats.mls_public_message, publicMessage })
  }

  async groupInfo() {
    const theirs = await tsMls.createGroupInfoWithExternalPubAndRatchetTree(this.state, [], this.#suite)
    const message = decodeMlsMessage(
      encode({ version, wireformat: tsMls.wireformats.mls_group_info, groupInfo: theirs }),
    )
    if (message.wireFormat !== 'mls_group_info') throw new Error('not a GroupInfo')
    const { extensionData } = need(findExtension(message.groupInfo.extensions, extensionTypes.externalPub))
    const extensions = setExtension(message.groupInfo.extensions, extensionTypes.externalPub, ExternalPub, {
      externalPub: extensionData,
    })
    const groupInfo = await signGroupInfo(this.#signer, { ...message.groupInfo, extensions })
    return encodeMlsMessage({ wireFormat: 'mls_group_info', groupInfo })
  }

  #pskProposal(): tsMls.Proposal {
    const pskNonce = this.#suite.rng.randomBytes(this.#suite.kdf.size)
    return {
      proposalType: tsMls.defaultProposalTypes.psk,
      psk: { preSharedKeyId: { psktype: tsMls.pskTypes.external, pskId, pskNonce } },
    }
  }

  async commit({ add = [], remove = [], psk: usePsk = false, public: asPublic = false }: Change) {
    const extraProposals: tsMls.Proposal[] = [
      ...remove.map((removed) => ({ proposalType: tsMls.defaultProposalTypes.remove, remove: { removed } })),
      ...add.map((bytes) => {
        const message = decode(bytes)
        if (message.wireformat !== tsMls.wireformats.mls_key_package) throw new Error('not a KeyPackage')
        return { proposalType: tsMls.defaultProposalTypes.add, add: { keyPackage: message.keyPackage } }
      }),
      ...(usePsk ? [this.#pskProposal()] : []),
    ]
    const { newState, commit, welcome } = await tsMls.createCommit({
      context: this.#context,
      state: this.state,
      extraProposals,
      ratchetTreeExtension: true,
      wireAsPublicMessage: asPublic,
    })
    this.#state = newState
    return { commit: encode(commit), welcome: welcome === undefined ? undefined : encode(welcome) }
  }

  async propose(what: { update: true } | { remove: number } | { add: Uint8Array }, asPublic: boolean) {
    if ('update' in what) throw new Error('ts-mls has no call that proposes an Update')
    let proposal: tsMls.Proposal
    if ('remove' in what)
      proposal = { proposalType: tsMls.defaultProposalTypes.remove, remove: { removed: what.remove } }
    else {
      const message = decode(what.add)
      if (message.wireformat !== tsMls.wireformats.mls_key_package) throw new Error('not a KeyPackage')
      proposal = { proposalType: tsMls.defaultProposalTypes.add, add: { keyPackage: message.keyPackage } }
    }
    const result = await tsMls.createProposal({
      context: this.#context,
      state: this.state,
      proposal,
      wireAsPublicMessage: asPublic,
    })
    this.#state = result.newState
    return encode(result.message)
  }

  async receive(bytes: Uint8Array) {
    const message = decode(bytes)
    const common = { context: this.#context, state: this.state }
    if (message.wireformat === tsMls.wireformats.mls_public_message) {
      const { newState } = await tsMls.processPublicMessage({ ...common, publicMessage: message.publicMessage })
      this.#state = newState
      return undefined
    }
    if (message.wireformat !== tsMls.wireformats.mls_private_message) throw new Error('not a message of a group')
    const result = await tsMls.processPrivateMessage({ ...common, privateMessage: message.privateMessage })
    this.#state = result.newState
    return result.kind === 'applicationMessage' ? result.message : undefined
  }

  async send(data: Uint8Array) {
    const result = await tsMls.createApplicationMessage({ context: this.#context, state: this.state, message: data })
    this.#state = result.newState
    return encode(result.message)
  }

  authenticator() {
    return this.state.keySchedule.epochAuthenticator
  }

  export() {
    const { exporterSecret } = this.state.keySchedule
    return tsMls.mlsExporter(exporterSecret, 'interop', new Uint8Array([1, 2, 3]), 42, this.#suite)
  }

  async reinit(groupId: Uint8Array) {
    const { newState, commit } = await tsMls.reinitGroup({
      context: this.#context,
      state: this.state,
      groupId,
      version: 'mls10',
      cipherSuite: this.#suiteName,
    })
    this.#state = newState
    return encode(commit)
  }

  #decodeKeyPackages(keyPackages: readonly Uint8Array[]): tsMls.KeyPackage[] {
    return keyPackages.map((bytes) => {
      const message = decode(bytes)
      if (message.wireformat !== tsMls.wireformats.mls_key_package) throw new Error('not a KeyPackage')
      return message.keyPackage
    })
  }

  async beginReinit(keyPackages: readonly Uint8Array[], groupId: Uint8Array) {
    const { publicPackage, privatePackage } = await this.#newKeys()
    const { newState, welcome } = await tsMls.reinitCreateNewGroup({
      context: this.#context,
      state: this.state,
      keyPackage: publicPackage,
      privateKeyPackage: privatePackage,
      memberKeyPackages: this.#decodeKeyPackages(keyPackages),
      groupId,
      cipherSuite: this.#suiteName,
    })
    this.#state = newState
    return { welcome: encode(need(welcome)), tree: await this.#tree(), tsMlsTree: newState.ratchetTree }
  }

  /** The tree, which the Welcomes of branches and re-initialisations do not carry, from a GroupInfo. */
  async #tree(): Promise<Uint8Array> {
    const message = decodeMlsMessage(await this.groupInfo())
    if (message.wireFormat !== 'mls_group_info') throw new Error('not a GroupInfo')
    return need(findExtension(message.groupInfo.extensions, extensionTypes.ratchetTree)).extensionData
  }

  async joinReinit(invitation: Invitation) {
    const welcome = this.#welcome(invitation.welcome)
    const { publicPackage, privatePackage } = await this.#keysFor(welcome)
    this.#state = await tsMls.joinGroupFromReinit({
      context: this.#context,
      suspendedState: this.state,
      welcome,
      keyPackage: publicPackage,
      privateKeyPackage: privatePackage,
      ...(invitation.tsMlsTree === undefined ? {} : { ratchetTree: invitation.tsMlsTree }),
    })
  }

  async branch(keyPackages: readonly Uint8Array[], groupId: Uint8Array) {
    const { publicPackage, privatePackage } = await this.#newKeys()
    const { newState, welcome } = await tsMls.branchGroup({
      context: this.#context,
      state: this.state,
      keyPackage: publicPackage,
      privateKeyPackage: privatePackage,
      memberKeyPackages: this.#decodeKeyPackages(keyPackages),
      newGroupId: groupId,
    })
    const peer = new TsMlsPeer(this.#suite, this.#suiteName, this.name, this.#ours, this.#signature, newState)
    return { peer, welcome: encode(need(welcome)), tree: await peer.#tree(), tsMlsTree: newState.ratchetTree }
  }

  async joinBranch(invitation: Invitation) {
    const welcome = this.#welcome(invitation.welcome)
    const { publicPackage, privatePackage } = await this.#keysFor(welcome)
    const state = await tsMls.joinGroupFromBranch({
      context: this.#context,
      oldState: this.state,
      welcome,
      keyPackage: publicPackage,
      privateKeyPackage: privatePackage,
      ...(invitation.tsMlsTree === undefined ? {} : { ratchetTree: invitation.tsMlsTree }),
    })
    return new TsMlsPeer(this.#suite, this.#suiteName, this.name, this.#ours, this.#signature, state)
  }
}
