/** A person and the manifest that the chains of tests start from. */
import type { ManifestTbs, VerifiedManifest } from '../../src/identity/manifest.ts'
import { contentOf, device, following, person, revocation, signed } from './fixture.ts'

export const alice = await person('alice')
/** The same person with the root after. */
export const second = await person('alice', 1)
export const phone = device('alice', 'phone')
export const laptop = device('alice', 'laptop')
export const tablet = device('alice', 'tablet')
export const lost = revocation(tablet)
/** Lists phone and laptop; the tablet is revoked. */
export const start = await signed(contentOf(alice, { devices: [phone, laptop], revoked: [lost] }), alice.byOps)

/** The manifest after another one, with changes. */
export const next = (changes: Partial<ManifestTbs> = {}, of: VerifiedManifest = start, by = alice.byOps) =>
  signed(following(of, changes), by)
