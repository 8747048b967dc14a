/** Leaves that have to go are removed, after a while in which others may have done it. */
import type { Group } from '../../group/group.ts'
import type { LeafIndex } from '../../tree-math/tree-math.ts'
import { accountsIn } from '../mls/account-leaves.ts'
import { deviceOf } from '../mls/identity.ts'
import type { IdentityRoom } from '../mls/room-identity.ts'
import type { RoomFacts } from './room-facts.ts'

/** How long somebody who has lost the one device that was in a room has to come back to it, in milliseconds. */
const returnMs = 120_000

/** What removing needs. */
export interface RemovalPorts {
  /** Whether an account has devices beside those in a room. */
  readonly hasDevices: (account: string) => boolean
  /** A wait that differs from device to device, in milliseconds. */
  readonly spread: () => number
  readonly later: (ms: number, run: () => Promise<void>) => void
}

/** See the file. */
export class Removals {
  readonly #ports: RemovalPorts
  readonly #removing = new Set<string>()

  constructor(ports: RemovalPorts) {
    this.#ports = ports
  }

  /** Plans to remove what has to go and is not planned yet. */
  plan(room: IdentityRoom, group: Group, facts: RoomFacts): void {
    for (const leafIndex of facts.removable) {
      const removal = facts.removalOf(leafIndex)
      if (removal !== undefined && leafIndex !== group.leafIndex)
        this.#plan(room, group, leafIndex, removal.evidence !== undefined)
    }
  }

  #plan(room: IdentityRoom, group: Group, leafIndex: LeafIndex, evidence: boolean): void {
    const member = group.member(leafIndex)
    const named = member && deviceOf(member.credential)
    if (member === undefined || named === undefined) return
    const { account, device } = named
    const name = `${room.jid} ${device}`
    if (this.#removing.has(name)) return
    this.#removing.add(name)
    this.#ports.later(this.#patience(group, account, evidence), async () => {
      try {
        if (room.group()?.memberWithSignatureKey(member.signatureKey) !== undefined)
          await room.removeDevice(account, device)
      } finally {
        this.#removing.delete(name)
      }
    })
  }

  /**
   * How long others are left to do it. A person whose last leaf goes would have to be invited again: whoever comes back from a
   * backup takes the old leaf's place by himself, if that is left for him. Nothing is sent meanwhile.
   */
  #patience(group: Group, account: string, evidence: boolean): number {
    const last = accountsIn(group).leavesOf(account).size === 1
    return this.#ports.spread() + (evidence && last && this.#ports.hasDevices(account) ? returnMs : 0)
  }
}
