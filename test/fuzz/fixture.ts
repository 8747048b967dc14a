/**
 * A small live group that is the same for the same seed: a victim who gets the inputs, and an attacker who is a member with
 * all its secrets. Messages of every kind are the corpus that is mutated.
 */
import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import type { Bytes } from '../../src/bytes/bytes.ts'
import { encode } from '../../src/codec/codec.ts'
import { type GroupOptions, makeConfig } from '../../src/group/defaults.ts'
import { decodeSnapshot } from '../../src/group/snapshot.ts'
import type { GroupState } from '../../src/group/state.ts'
import {
  type CipherSuite,
  cipherSuite,
  createGroup,
  createIdentity,
  createKeyPackage,
  decodeMlsMessage,
  type Extension,
  ExternalSenders,
  extensionTypes,
  externalPskId,
  type Group,
  type Identity,
  joinExternal,
  joinGroup,
  type KeyPackageBundle,
  type MlsMessage,
  makeCapabilities,
  proposeAsExternalSender,
  proposeJoin,
  restoreGroup,
} from '../../src/index.ts'
import type { FramedContent } from '../../src/wire/framed-content.ts'
import type { PublicMessage } from '../../src/wire/public-message.ts'
import { bigMessages } from './big-messages.ts'
import { Random } from './random.ts'
import { type TimedSuite, timedSuite } from './timed-suite.ts'

/** A proposal type that the group knows. */
const customType = 0xf100
const formats = ['mls_public_message', 'mls_private_message'] as const

/** See the file. */
export interface Fixture {
  readonly timed: TimedSuite
  readonly suite: CipherSuite
  /** The randomness of the suite; a run begins it anew. */
  readonly entropy: Random
  readonly options: GroupOptions
  readonly attacker: { readonly state: GroupState; readonly identity: Identity }
  /** Messages to the victim in its epoch, of all kinds and both wire formats. */
  readonly groupMessages: readonly Bytes[]
  /** What was signed in the PublicMessages of the attacker. */
  readonly contents: readonly FramedContent[]
  readonly welcome: Bytes
  readonly newcomer: KeyPackageBundle
  readonly groupInfo: Bytes
  readonly outsider: Identity
  readonly keyPackage: KeyPackageBundle
  readonly snapshot: Bytes
  /** Every message above, for decoding. */
  readonly corpus: readonly Bytes[]
  readonly decoded: readonly MlsMessage[]
  /** A copy of the group at the victim. */
  victim(): Group
  restore(snapshot: Uint8Array): Group
  /** An application message that the victim can read. */
  readonly genuine: Bytes
}

export async function makeFixture(seed: number): Promise<Fixture> {
  const entropy = new Random(seed, 0x5eed)
  const timed = timedSuite(await cipherSuite(1, { rng: entropy }))
  const { suite } = timed
  const clock = { now: () => 1_800_000_000_000 }
  const options: GroupOptions = {
    clock,
    customProposals: [{ type: customType, pathRequired: false }],
    psks: { externalPsk: () => new Uint8Array(32).fill(7), resumptionPsk: () => undefined },
  }
  const capabilities = makeCapabilities(suite, { proposals: [customType], extensions: [0xf200] })
  const identities = ['alice', 'bob', 'carol', 'dave', 'erin'].map((name) => createIdentity(suite, name))
  const [alice, bob] = [identities[0]!, identities[1]!]
  const outsider = createIdentity(suite, 'frank')
  const newBundle = (identity: Identity): Promise<KeyPackageBundle> =>
    createKeyPackage({ suite, identity, capabilities, clock })
  const extensions = [externalSenders(outsider)]
  const first = await createGroup({ suite, identity: alice, capabilities, extensions, options })
  const bundles = await Promise.all(identities.slice(1).map(newBundle))
  const { staged } = await first.commit({ add: bundles })
  const { welcome: invitation } = first.merge(staged)
  const groups = [first]
  for (const keyPackage of bundles)
    groups.push(await joinGroup({ suite, keyPackage, welcome: invitation as Bytes, options }))
  // everybody commits once, then dave goes: parents, unmerged leaves and blanks
  for (const committer of groups) await deliver(groups, committer, {})
  await deliver(groups, first, { remove: [3] })
  await deliver(groups, first, { add: [await newBundle(createIdentity(suite, 'gina'))] })

  const [attackerSnapshot, victimSnapshot] = [groups[0]!.snapshot(), groups[1]!.snapshot()]
  const signers = [...identities, outsider]
  const restore = (snapshot: Uint8Array): Group => restoreGroup(snapshot, { suite, signers, options })
  const config = makeConfig(options, {
    authentication: basicAuthentication(),
    psks: { externalPsk: () => undefined },
    clock,
  })
  const state = decodeSnapshot(attackerSnapshot, {
    suite,
    config,
    signer: (key) => signers.find(({ signer }) => signer.publicKey.every((byte, i) => byte === key[i]))?.signer,
  })
  const attacker = (): Group => restore(attackerSnapshot)
  const newcomer = await newBundle(createIdentity(suite, 'henry'))
  const keyPackage = await newBundle(createIdentity(suite, 'ivan'))
  const groupMessages: Bytes[] = []
  const pskId = externalPskId(suite, new Uint8Array([1, 2]))
  for (const wireFormat of formats) {
    const proposals = [
      { add: keyPackage },
      { update: true },
      { remove: 2 },
      { psk: pskId },
      { extensions },
      { reinit: { groupId: new Uint8Array(16), cipherSuite: 1, extensions: [] } },
      { custom: { type: customType, body: new Uint8Array(5) } },
    ] as const
    for (const proposal of proposals)
      groupMessages.push(
        (await attacker().propose({ ...proposal, wireFormat, authenticatedData: new Uint8Array(3) })).proposal,
      )
    const commits = [
      {},
      {
        add: [keyPackage],
        remove: [2],
        psk: [pskId],
        extensions,
        custom: [{ type: customType, body: new Uint8Array(5) }],
      },
      { add: [keyPackage], path: false },
      { reinit: { groupId: new Uint8Array(16), cipherSuite: 1, extensions: [] } },
      { remove: [1] },
    ] as const
    for (const commit of commits) groupMessages.push((await attacker().commit({ ...commit, wireFormat })).commit)
  }
  groupMessages.push(attacker().protect(new Uint8Array(20)), attacker().protect(new Uint8Array(0)))
  groupMessages.push(attacker().protect(new Uint8Array(50_000)))
  const target = { groupId: state.current.context.groupId, epoch: state.current.context.epoch }
  const join = { proposalType: 'add', keyPackage: newcomer.keyPackage } as const
  groupMessages.push(await proposeAsExternalSender(target, join, { senderIndex: 0, signer: outsider.signer }))
  groupMessages.push(await proposeJoin(target, newcomer))
  const groupInfo = await attacker().groupInfo()
  groupMessages.push((await joinExternal({ suite, identity: outsider, capabilities, groupInfo, options })).commit)
  groupMessages.push(
    (await joinExternal({ suite, identity: bob, capabilities, groupInfo, options, replaces: 1 })).commit,
  )

  const inviter = attacker()
  const adding = await inviter.commit({ add: [newcomer] })
  const welcome = inviter.merge(adding.staged).welcome as Bytes
  // a state with everything in it: past epochs, proposals, a pending commit
  const busy = restore(victimSnapshot)
  await busy.propose({ update: true })
  await busy.commit({ references: 'none', remove: [4] })
  const big = bigMessages(keyPackage.keyPackage)
  const corpus = [...groupMessages, welcome, groupInfo, keyPackage.message, ...big]
  const decoded = corpus.map((message) => decodeMlsMessage(message))
  const contents = decoded
    .slice(0, groupMessages.length)
    .flatMap((message) => (message.wireFormat === 'mls_public_message' ? [message.publicMessage] : []))
    .filter(({ content }: PublicMessage) => content.sender.senderType === 'member')
    .map(({ content }) => content)
  return {
    timed,
    suite,
    entropy,
    options,
    attacker: { state, identity: alice },
    groupMessages,
    contents,
    welcome,
    newcomer,
    groupInfo,
    outsider,
    keyPackage,
    snapshot: busy.snapshot(),
    corpus,
    decoded,
    victim: () => restore(victimSnapshot),
    restore,
    genuine: attacker().protect(new Uint8Array([1])),
  }
}

async function deliver(groups: readonly Group[], by: Group, options: Parameters<Group['commit']>[0]): Promise<void> {
  const { commit, staged } = await by.commit(options)
  by.merge(staged)
  for (const group of groups) if (group !== by && group.status === 'active') await group.receive(commit)
}

function externalSenders({ signer, credential }: Identity): Extension {
  return {
    extensionType: extensionTypes.externalSenders,
    extensionData: encode(ExternalSenders, [{ signatureKey: signer.publicKey, credential }]),
  }
}
