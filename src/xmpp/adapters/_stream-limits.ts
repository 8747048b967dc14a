import type { XmlElement } from '../stanza/element.ts'
import { type StreamLimits, streamLimitsIn } from '../xep/xep-0478.ts'

/** The limits in stream features (XEP-0478); features that cannot be read announce none. */
export function announced(features: () => XmlElement): StreamLimits | undefined {
  try {
    return streamLimitsIn(features())
  } catch {
    return undefined
  }
}
