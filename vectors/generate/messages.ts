import { basicAuthentication } from '../../src/authentication/basic-authentication.ts'
import type { Bytes } from '../../src/bytes/bytes.ts'
import { toHex } from '../../src/bytes/text.ts'
import { encode } from '../../src/codec/codec.ts'
import type { CipherSuite } from '../../src/crypto/cipher-suite.ts'
import { createGroupWith, joinGroupWith } from '../../src/group/create-group.ts'
import { makeConfig } from '../../src/group/defaults.ts'
import type { Group } from '../../src/group/group.ts'
import { systemClock } from '../../src/providers/system-clock.ts'
import { Commit } from '../../src/wire/commit.ts'
import { encodeMlsMessage } from '../../src/wire/mls-message.ts'
import { Proposal } from '../../src/wire/proposal.ts'
import { mls10 } from '../../src/wire/registries.ts'
import { GroupSecrets } from '../../src/wire/welcome.ts'
import { present } from '../expect.ts'
import { decodeMessage } from '../messages.ts'
import { randomUint32 } from './random.ts'
import { type Client, newClient } from './simulated-group.ts'

/** Every struct once: what a small group sends, and proposals with random content. */
export async function generateMessages(suite: CipherSuite): Promise<unknown[]> {
  const ports = { authentication: basicAuthentication(), psks: { externalPsk: () => undefined }, clock: systemClock }
  const config = makeConfig({ handshakes: 'mls_public_message' }, ports)
  const [creator, joiner, newcomer] = [await newClient(suite), await newClient(suite), await newClient(suite)]
  const group = await createGroupWith({ suite, config, identity: creator.identity })
  const { staged } = await group.commit({ add: [joiner] })
  const welcome = present('the Welcome', group.merge(staged).welcome)
  const other = (await joinGroupWith({ suite, config, welcome, keyPackages: [joiner] })).group
  const update = await group.propose({ update: true })
  await other.receive(update.proposal)
  const { commit } = await other.commit({ add: [newcomer] })
  return [
    {
      mls_welcome: toHex(welcome),
      mls_group_info: toHex(await group.groupInfo()),
      mls_key_package: toHex(newcomer.message),
      ratchet_tree: toHex(group.ratchetTree()),
      group_secrets: toHex(groupSecrets(suite)),
      ...proposals(suite, newcomer, update.proposal),
      commit: toHex(encode(Commit, commitOf(commit))),
      public_message_application: toHex(publicApplication(suite, group)),
      public_message_proposal: toHex(update.proposal),
      public_message_commit: toHex(commit),
      private_message: toHex(await privateProposal(group)),
    },
  ]
}

function groupSecrets(suite: CipherSuite): Bytes {
  const { hashLength } = suite.parameters
  const random = () => suite.randomBytes(hashLength)
  return encode(GroupSecrets, {
    joinerSecret: random(),
    pathSecret: { pathSecret: random() },
    psks: [{ psktype: 'external', pskId: random(), pskNonce: random() }],
  })
}

/** The bodies of proposals: without the type in front. */
function proposals(suite: CipherSuite, newcomer: Client, update: Uint8Array) {
  const random = () => suite.randomBytes(suite.parameters.hashLength)
  const { content } = decodeMessage('the Update', update, 'mls_public_message').publicMessage
  const sent = content.contentType === 'proposal' ? content.proposal : undefined
  const pskEpoch = BigInt(randomUint32(suite))
  const body = (proposal: Proposal) => toHex(encode(Proposal, proposal).subarray(2))
  return {
    add_proposal: body({ proposalType: 'add', keyPackage: newcomer.keyPackage }),
    update_proposal: body(present('the Update', sent)),
    remove_proposal: body({ proposalType: 'remove', removed: randomUint32(suite) }),
    pre_shared_key_proposal: body({
      proposalType: 'psk',
      psk: { psktype: 'resumption', usage: 'application', pskGroupId: random(), pskEpoch, pskNonce: random() },
    }),
    re_init_proposal: body({
      proposalType: 'reinit',
      groupId: random(),
      version: mls10,
      cipherSuite: suite.parameters.id,
      extensions: [{ extensionType: 0xff00, extensionData: random() }],
    }),
    external_init_proposal: body({ proposalType: 'external_init', kemOutput: random() }),
    group_context_extensions_proposal: body({
      proposalType: 'group_context_extensions',
      extensions: [{ extensionType: 0xff00, extensionData: random() }],
    }),
  }
}

function commitOf(message: Uint8Array): Commit {
  const { content } = decodeMessage('the commit', message, 'mls_public_message').publicMessage
  return present('the commit', content.contentType === 'commit' ? content.commit : undefined)
}

/** Legal to encode, though nobody may send it. */
function publicApplication(suite: CipherSuite, group: Group): Bytes {
  const publicMessage = {
    content: {
      groupId: group.id,
      epoch: group.epoch,
      sender: { senderType: 'member' as const, leafIndex: group.leafIndex },
      authenticatedData: suite.randomBytes(7),
      contentType: 'application' as const,
      applicationData: suite.randomBytes(42),
    },
    auth: { signature: suite.randomBytes(64) },
    membershipTag: suite.randomBytes(suite.parameters.hashLength),
  }
  return encodeMlsMessage({ wireFormat: 'mls_public_message', publicMessage })
}

async function privateProposal(group: Group): Promise<Bytes> {
  const { proposal } = await group.propose({ update: true, wireFormat: 'mls_private_message' })
  return proposal
}
