import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type Codec, decode, type Infer, opaque, struct, uint16, uint32 } from '../codec/codec.ts'
import { Extensions } from './extension.ts'
import { KeyPackage } from './key-package.ts'
import { EncodedLeafNode } from './leaf-node.ts'
import { PreSharedKeyId } from './psk.ts'
import { draftProposalTypes, proposalTypes } from './registries.ts'

const bodies = {
  add: struct({ keyPackage: KeyPackage }),
  update: struct({ leafNode: EncodedLeafNode }),
  remove: struct({ removed: uint32 }),
  psk: struct({ psk: PreSharedKeyId }),
  reinit: struct({ groupId: opaque, version: uint16, cipherSuite: uint16, extensions: Extensions }),
  external_init: struct({ kemOutput: opaque }),
  group_context_extensions: struct({ extensions: Extensions }),
} as const

type Bodies = { [K in keyof typeof bodies]: { readonly proposalType: K } & Infer<(typeof bodies)[K]> }

/**
 * A proposal of a type that RFC 9420 does not define. Its body is a vector, whose content the application defines; that of an
 * `app_ephemeral` is an AppEphemeral (see `app-data.ts`), which stands without a length of its own.
 */
export interface CustomProposal {
  readonly proposalType: 'custom'
  /** The code point. */
  readonly type: number
  readonly body: Bytes
}

/** RFC 9420 §12.1. */
export type Proposal = Bodies[keyof Bodies] | CustomProposal
/** RFC 9420 §12.1.1. */
export type AddProposal = Bodies['add']
/** RFC 9420 §12.1.2. */
export type UpdateProposal = Bodies['update']
/** RFC 9420 §12.1.3. */
export type RemoveProposal = Bodies['remove']
/** RFC 9420 §12.1.4. */
export type PskProposal = Bodies['psk']
/** RFC 9420 §12.1.5. */
export type ReInitProposal = Bodies['reinit']
/** RFC 9420 §12.1.6. */
export type ExternalInitProposal = Bodies['external_init']
/** RFC 9420 §12.1.7. */
export type GroupContextExtensionsProposal = Bodies['group_context_extensions']

const byCode = new Map<number, keyof Bodies>(
  Object.entries(proposalTypes).map(([name, code]) => [code, name as keyof Bodies]),
)

/**
 * RFC 9420 §12.1. Whether a custom type may be used is decided by the proposal rules (V022, V239), not here; 0 is reserved.
 * @throws `proposal/unsupported` for type 0
 */
export const Proposal: Codec<Proposal> = {
  read(reader) {
    const type = reader.uint16()
    if (type === 0) throw new MlsError('proposal/unsupported', 'the reserved proposal type', { rule: 'V022' })
    const name = byCode.get(type)
    if (name === undefined) return { proposalType: 'custom', type, body: bodyOf(type).read(reader) }
    const value: Record<string, unknown> = { proposalType: name }
    bodies[name].fill(reader, value)
    return value as unknown as Proposal
  },
  write(writer, proposal) {
    if (proposal.proposalType === 'custom') {
      writer.uint16(proposal.type)
      bodyOf(proposal.type).write(writer, proposal.body)
      return
    }
    writer.uint16(proposalTypes[proposal.proposalType])
    bodies[proposal.proposalType].write(writer, proposal as never)
  },
}

/** The bytes of an AppEphemeral: `component_id` and `data<V>`. */
const appEphemeralBody: Codec<Bytes> = {
  read(reader) {
    const start = reader.offset
    reader.uint16()
    reader.view(reader.varint())
    return reader.since(start)
  },
  write(writer, body) {
    try {
      decode(struct({ componentId: uint16, data: opaque }), body)
    } catch (cause) {
      throw new MlsError('codec/range', 'an app_ephemeral proposal that is no AppEphemeral', { cause })
    }
    writer.raw(body)
  },
}

function bodyOf(type: number): Codec<Bytes> {
  return type === draftProposalTypes.appEphemeral ? appEphemeralBody : opaque
}

/** The code point of a proposal's type. */
export function proposalTypeCode(proposal: Proposal): number {
  return proposal.proposalType === 'custom' ? proposal.type : proposalTypes[proposal.proposalType]
}
