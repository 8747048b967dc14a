import type { Bytes } from '../../../src/bytes/bytes.ts'
import type { Group } from '../../../src/group/group.ts'
import type { Clock } from '../../../src/ports/clock.ts'
import { roomCapabilities } from '../../../src/xmpp/mls/engine/groups.ts'
import { groupExtensions } from '../../../src/xmpp/mls/extensions.ts'
import { deviceCredential } from '../../../src/xmpp/mls/identity.ts'
import { withHints } from '../../../src/xmpp/mls/items.ts'
import { buildHandshake } from '../../../src/xmpp/mls/wire/handshake.ts'
import { parseKeyPackages } from '../../../src/xmpp/mls/wire/key-packages.ts'
import { keyPackagesNode } from '../../../src/xmpp/mls/wire/namespace.ts'
import { fetchPep } from '../../../src/xmpp/pep/pep-fetch.ts'
import type { XmppPort } from '../../../src/xmpp/port.ts'
import type { Room } from '../../../src/xmpp/room.ts'
import { populatedGroup } from '../../support/populated-group.ts'
import { openSuite } from '../../support/suite.ts'

const suite = openSuite(1)

/** The group of a room in which each of so many accounts has one device; the first of them is the host. */
export function largeGroup(members: number, room: string, host: string, clock: Clock): Group {
  const identity = (leaf: number): Bytes => {
    const account = leaf === 0 ? host : `member${leaf}@example.org`
    return deviceCredential(account, new Uint8Array(16).fill(1)).identity
  }
  const binding = { room, kind: 'muc', created: 0, creator: host, direct: [] } as const
  const capabilities = roomCapabilities(suite)
  const extensions = groupExtensions(binding, { externalJoin: 'same-account' })
  return populatedGroup(suite, members, {}, { leaves: { identity, capabilities }, extensions, clock }).member(0)
}

/** Adds the first device of an account, with the commit in the room's archive; the Welcome and what belongs to it. */
export async function addDevice(group: Group, room: Room, port: XmppPort, account: string) {
  const node = await fetchPep(port, account, keyPackagesNode)
  if (node.kind !== 'items') throw new Error('no KeyPackages')
  const keyPackage = parseKeyPackages(node.items[0]!.payload)!.oneTime[0]!
  const { epoch } = group
  const { commit } = await group.commit({ add: [keyPackage] })
  const handshake = buildHandshake({
    kind: 'commit',
    group: group.id,
    epoch,
    payload: { kind: 'inline', bytes: commit },
    groupInfo: undefined,
    tree: undefined,
  })
  const at = await room.send(withHints(handshake))
  const result = await group.receive(commit)
  if (result.kind !== 'own-commit' || result.welcome === undefined) throw new Error('no Welcome')
  return { at, welcome: result.welcome, tree: group.ratchetTree() }
}
