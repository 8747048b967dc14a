/**
 * Manifests of the own account that are dated ahead of the clock: whoever continued one would publish what no contact believes
 * for as long (I063). They are told and not taken, and where one is shown as current, the own one is published over it: once
 * for each of them, since two devices of which one has a wrong clock would go on for ever.
 */
import { equalBytes } from '../../bytes/bytes.ts'
import { mapKey } from '../../bytes/text.ts'
import { isDatedAhead } from '../../identity/dated-ahead.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import type { OwnView } from './own-view.ts'

/** A view without them, and those of the own root. */
export interface SoundView {
  readonly view: OwnView
  readonly ahead: readonly VerifiedManifest[]
}

/**
 * Leaves out what is dated ahead. What is no later than the own manifest stays: it moves no date, and a device whose own
 * manifest is ahead has a clock that went back.
 * @param now seconds since the Unix epoch
 */
export function withoutAhead(own: VerifiedManifest, view: OwnView, now: bigint): SoundView {
  const sound = (one: VerifiedManifest): boolean => one.issuedAt <= own.issuedAt || !isDatedAhead(one, now)
  const { current, manifests } = view
  const all = [own, ...manifests, ...(current === undefined ? [] : [current])]
  return {
    view: {
      ...view,
      current: current !== undefined && sound(current) ? current : undefined,
      manifests: manifests.filter(sound),
    },
    ahead: all.filter((one) => equalBytes(one.rootHash, own.rootHash) && isDatedAhead(one, now)),
  }
}

/** How many answers are remembered. */
const maxAnswers = 256

/** Which manifests were answered with which own one. */
export class Answers {
  readonly #given = new Set<string>()

  /** Whether `own` is to be published over `shown`: the first time that this is asked. */
  first(own: VerifiedManifest, shown: VerifiedManifest): boolean {
    const name = mapKey(own.hash) + mapKey(shown.hash)
    if (this.#given.has(name)) return false
    if (this.#given.size >= maxAnswers) this.#given.clear()
    this.#given.add(name)
    return true
  }
}
