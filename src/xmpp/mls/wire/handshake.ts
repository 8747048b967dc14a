import type { Bytes } from '../../../bytes/bytes.ts'
import { toBase64 } from '../../../bytes/text.ts'
import { child, tag, type XmlElement } from '../../stanza/element.ts'
import { mlsNamespace } from './namespace.ts'
import { base64, buildPayload, count, epochIn, isToken, type Payload, payloadIn } from './payload.ts'

/** What a handshake does. */
export type HandshakeKind =
  /** A group begins; `groupInfo` is that of epoch 0, and all that there is. */
  | 'init'
  | 'commit'
  | 'proposal'
  /** No MLS handshake: a member tells the state of the group to those outside. */
  | 'state'

/** The ratchet tree beside a GroupInfo, for those who join by external commit. */
export interface TreeSnapshot {
  readonly payload: Payload
  /** Archive id of the commit that began the epoch. */
  readonly at: string | undefined
  /** The request that it answers. */
  readonly request: string | undefined
  /** The leaf of the device that asked, where it has one. A hint: the commit is checked by its credential. */
  readonly leaf: number | undefined
}

/** A handshake of a group in its room. */
export interface Handshake {
  readonly kind: HandshakeKind
  readonly group: Bytes
  /** The epoch that the handshake is of: for a commit the one that it ends. */
  readonly epoch: bigint
  /** The commit or proposal as MLSMessage. */
  readonly payload: Payload | undefined
  /** Of the epoch that the handshake begins, or is of when it begins none; without tree. */
  readonly groupInfo: Payload | undefined
  readonly tree: TreeSnapshot | undefined
}

const build = tag(mlsNamespace)

/** The `handshake` element, which never alerts anybody. */
export function buildHandshake(value: Handshake): XmlElement {
  const { kind, group, epoch, payload, groupInfo, tree } = value
  return build(
    'handshake',
    { group: toBase64(group), epoch: String(epoch) },
    payload === undefined ? (kind === 'init' ? build('init') : undefined) : buildPayload(kind, payload),
    groupInfo === undefined ? undefined : buildPayload('groupinfo', groupInfo),
    tree === undefined
      ? undefined
      : buildPayload('tree', tree.payload, { at: tree.at, request: tree.request, leaf: tree.leaf }),
  )
}

/** The handshake; `undefined` for any other element and for one that lacks what its kind needs. */
export function parseHandshake(source: XmlElement | undefined): Handshake | undefined {
  if (source?.name !== 'handshake' || source.ns !== mlsNamespace) return undefined
  const group = base64(source.attrs['group'])
  const epoch = epochIn(source.attrs['epoch'])
  if (group === undefined || epoch === undefined) return undefined
  const [commit, proposal] = [child(source, 'commit'), child(source, 'proposal')]
  const groupInfo = payloadIn(child(source, 'groupinfo'))
  const tree = treeIn(source)
  if (child(source, 'init') !== undefined && epoch === 0n && groupInfo !== undefined)
    return { kind: 'init', group, epoch, payload: undefined, groupInfo, tree }
  const payload = payloadIn(commit ?? proposal)
  if (payload !== undefined)
    return { kind: commit === undefined ? 'proposal' : 'commit', group, epoch, payload, groupInfo, tree }
  if (commit !== undefined || proposal !== undefined || groupInfo === undefined) return undefined
  return { kind: 'state', group, epoch, payload: undefined, groupInfo, tree }
}

function treeIn(source: XmlElement): TreeSnapshot | undefined {
  const found = child(source, 'tree')
  const payload = payloadIn(found)
  if (found === undefined || payload === undefined) return undefined
  const { at, request, leaf } = { at: found.attrs['at'], request: found.attrs['request'], leaf: found.attrs['leaf'] }
  return {
    payload,
    at: isToken(at) ? at : undefined,
    request: isToken(request) ? request : undefined,
    leaf: count(leaf, 0x7fffffff),
  }
}
