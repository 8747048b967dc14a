/**
 * Keys of skipped generations go by age, as they go by number in the engine (reliability: R06). The engine counts the keys
 * that it keeps; beside the count stands here when it was reached, so that what was kept before a time can be named.
 */
import type { SecretTree } from '../secret-tree/secret-tree.ts'
import type { MarksRecord } from './records.ts'

/** Nothing noted. */
export const noMarks: MarksRecord = { list: [] }

/** Three days, in milliseconds. */
export const defaultKeyAge = 3 * 24 * 60 * 60 * 1000

/** Marks within the bound; with them the age of a key is known to an eighth of the bound. */
const marksPerBound = 8

/**
 * Forgets the keys of a tree that were kept for `bound` milliseconds by `now`.
 * @param marks what was noted so far, oldest first
 * @returns what is to be noted instead; `undefined` when nothing has changed
 */
export function forgetOldKeys(
  tree: SecretTree,
  marks: MarksRecord,
  now: number,
  bound: number,
): MarksRecord | undefined {
  const old = marks.list.filter(({ at }) => at <= now - bound)
  const last = old.at(-1)
  if (last !== undefined) tree.forgetSkipped(last.mark)
  const newest = marks.list.at(-1)
  const due = newest === undefined || now - newest.at >= bound / marksPerBound
  if (last === undefined && !(due && tree.mark !== (newest?.mark ?? 0))) return undefined
  const kept = marks.list.slice(old.length)
  return { list: due && tree.mark !== (newest?.mark ?? 0) ? [...kept, { at: now, mark: tree.mark }] : kept }
}
