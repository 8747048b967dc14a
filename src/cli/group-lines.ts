import { toHex } from '../bytes/text.ts'
import type { MlsRoom } from '../xmpp/mls/room.ts'
import type { Participant } from '../xmpp/mls/types.ts'
import { harmless } from './paint.ts'
import { drawTree } from './tree-drawing.ts'

/** A group as lines: its tree, epoch, and the numbers that members compare. */
export function groupLines(
  room: Pick<MlsRoom, 'devices' | 'health' | 'epochAuthenticator' | 'safetyNumber'>,
): string[] {
  const { epoch } = room.health
  if (epoch === undefined) return ['this device is in no group here']
  return [
    ...treeLines(room.devices()),
    '',
    `epoch ${epoch}; epoch authenticator ${toHex(room.epochAuthenticator).slice(0, 32)}`,
    `safety number ${room.safetyNumber}`,
  ]
}

/** The tree of some members: account, beginning of the device id, a star at the own leaf. */
export function treeLines(members: readonly Participant[]): string[] {
  return drawTree(
    members.map(({ account, device, leafIndex, own }) => ({
      leafIndex,
      label: [harmless(account.split('@')[0] ?? account).slice(0, 16), `${device.slice(0, 8)}${own ? '*' : ''}`],
    })),
  )
}
