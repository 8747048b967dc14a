/** Another copy of this device, as a restored backup or a copied profile makes one: it is noticed, and then only receives. */
import type { Bytes } from '../../../bytes/bytes.ts'
import type { MlsError } from '../../../bytes/errors.ts'
import type { Group } from '../../../group/group.ts'
import type { ReceiveResult } from '../../../group/result.ts'
import { tryBareJid } from '../../stanza/jid.ts'
import type { QuarantineReason } from '../types.ts'
import type { EngineEntry } from './entries.ts'
import type { Turn } from './events.ts'

/** Looks at what became of a message of the group. */
export function watch(
  turn: Turn,
  group: Group,
  seen: { readonly entry: EngineEntry; readonly bytes: Bytes; readonly result: ReceiveResult | MlsError },
): void {
  const { context, state } = turn
  if (state.quarantine !== undefined) return
  const { entry, bytes: message, result } = seen
  const own = entry.from === undefined ? undefined : tryBareJid(entry.from) === context.account
  const reason = context.copies?.judge(group, { message, result, own })
  if (reason !== undefined) quarantine(turn, reason)
}

/** Only receives from now on, until this device has joined again. */
export function quarantine({ context, state, effects }: Turn, reason: QuarantineReason): void {
  state.quarantine = reason
  context.leaf?.copied?.()
  effects.push({ kind: 'health' })
}
