import { concatBytes } from '../../src/bytes/bytes.ts'
import { type Codec, decode, encode } from '../../src/codec/codec.ts'
import { Commit } from '../../src/wire/commit.ts'
import type { ContentType } from '../../src/wire/framed-content.ts'
import { Proposal } from '../../src/wire/proposal.ts'
import { RatchetTree } from '../../src/wire/ratchet-tree.ts'
import { proposalTypes } from '../../src/wire/registries.ts'
import { GroupSecrets } from '../../src/wire/welcome.ts'
import { expectBytes, expectEqual } from '../expect.ts'
import type { Fields } from '../fields.ts'
import { decodeMessage } from '../messages.ts'

/** Field names of the bodies of proposals. */
const proposals = {
  add_proposal: proposalTypes.add,
  update_proposal: proposalTypes.update,
  remove_proposal: proposalTypes.remove,
  pre_shared_key_proposal: proposalTypes.psk,
  re_init_proposal: proposalTypes.reinit,
  external_init_proposal: proposalTypes.external_init,
  group_context_extensions_proposal: proposalTypes.group_context_extensions,
} as const

/** Family `messages`: every struct that travels decodes and encodes to the same bytes. */
export function checkMessages(vector: Fields): void {
  for (const format of ['mls_welcome', 'mls_group_info', 'mls_key_package'] as const)
    decodeMessage(format, vector.hex(format), format)
  decodeMessage('private_message', vector.hex('private_message'), 'mls_private_message')
  for (const contentType of ['application', 'proposal', 'commit'] as const) checkPublic(vector, contentType)

  again(vector, 'ratchet_tree', RatchetTree)
  again(vector, 'group_secrets', GroupSecrets)
  again(vector, 'commit', Commit)
  for (const [name, type] of Object.entries(proposals)) {
    // the vectors hold the body alone, the codec has the type in front
    const bytes = concatBytes(new Uint8Array([type >> 8, type & 0xff]), vector.hex(name))
    expectBytes(`${name}, encoded again`, encode(Proposal, decode(Proposal, bytes)), bytes)
  }
}

function checkPublic(vector: Fields, contentType: ContentType): void {
  const name = `public_message_${contentType}`
  const { publicMessage } = decodeMessage(name, vector.hex(name), 'mls_public_message')
  expectEqual<string>(`content type of ${name}`, publicMessage.content.contentType, contentType)
}

function again<T>(vector: Fields, name: string, codec: Codec<T>): void {
  const bytes = vector.hex(name)
  expectBytes(`${name}, encoded again`, encode(codec, decode(codec, bytes)), bytes)
}
