import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type Codec, type Infer, opaque, struct, vec } from '../codec/codec.ts'
import { EncodedLeafNode } from './leaf-node.ts'
import { wireLimits } from './limits.ts'

const hpkeCiphertext = struct({ kemOutput: opaque, ciphertext: opaque })
/** RFC 9420 §7.6. */
export type HpkeCiphertext = Infer<typeof hpkeCiphertext>
/** RFC 9420 §7.6. A path holds many, so they are not read name by name. */
export const HpkeCiphertext: Codec<HpkeCiphertext> = {
  ...hpkeCiphertext,
  read: (reader) => ({ kemOutput: opaque.read(reader), ciphertext: opaque.read(reader) }),
}

/** RFC 9420 §7.6: one node of the filtered direct path; a ciphertext for each node of the copath's resolution. */
export interface UpdatePathNode {
  readonly encryptionKey: Bytes
  readonly encryptedPathSecret: readonly HpkeCiphertext[]
}

/** RFC 9420 §7.6: one node of a path. */
export const UpdatePathNode: Codec<UpdatePathNode> = updatePathNode(wireLimits.members)

/** RFC 9420 §7.6: from leaf to root. The leaf is kept with its bytes. */
export interface UpdatePath {
  readonly leafNode: EncodedLeafNode
  readonly nodes: readonly UpdatePathNode[]
}

/**
 * RFC 9420 §7.6. The resolutions of a copath have no leaf in common, and each of their nodes has a merged leaf below it, so
 * that all nodes together hold fewer ciphertexts than a group has members (R03); an empty one costs a sender two bytes and
 * us hundreds.
 * @throws `codec/limit`
 */
export const UpdatePath: Codec<UpdatePath> = {
  read(reader) {
    const leafNode = EncodedLeafNode.read(reader)
    const nodes: UpdatePathNode[] = []
    let left: number = wireLimits.members
    reader.within(reader.varint(), () => {
      while (reader.left > 0) {
        if (nodes.length === wireLimits.pathNodes)
          throw new MlsError('codec/limit', 'too many nodes of a path', { rule: 'R03' })
        const node = updatePathNode(left).read(reader)
        left -= node.encryptedPathSecret.length
        nodes.push(node)
      }
    })
    return { leafNode, nodes }
  },
  write(writer, { leafNode, nodes }) {
    EncodedLeafNode.write(writer, leafNode)
    writer.vector(() => {
      for (const node of nodes) UpdatePathNode.write(writer, node)
    })
  },
}

function updatePathNode(ciphertexts: number): Codec<UpdatePathNode> {
  const sealed = vec(HpkeCiphertext, ciphertexts)
  return {
    read: (reader) => ({ encryptionKey: opaque.read(reader), encryptedPathSecret: sealed.read(reader) }),
    write(writer, { encryptionKey, encryptedPathSecret }) {
      writer.opaque(encryptionKey)
      sealed.write(writer, encryptedPathSecret)
    },
  }
}
