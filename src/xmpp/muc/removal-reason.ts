import type { RemovalReason } from '../room.ts'

/** What the status codes of an own unavailable presence say (XEP-0045 §15.6). */
export function removalReason(statuses: readonly number[], destroyed: boolean): RemovalReason {
  if (destroyed) return 'destroyed'
  if (statuses.includes(301)) return 'banned'
  if (statuses.includes(321) || statuses.includes(322)) return 'affiliation'
  if (statuses.includes(332)) return 'shutdown'
  if (statuses.includes(333)) return 'connection'
  return statuses.includes(307) ? 'kicked' : 'unknown'
}
