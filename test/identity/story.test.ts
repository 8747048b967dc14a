/** The owner's side and a contact, told as a story: the happy paths, end to end. */
import { expect, test } from 'vitest'
import { ascii } from '../../src/bytes/bytes.ts'
import { createAccount, nextManifest } from '../../src/identity/account.ts'
import { rotateRoot } from '../../src/identity/account-root.ts'
import { advance } from '../../src/identity/contact.ts'
import { contactState, unknownContact } from '../../src/identity/contact-state.ts'
import { flagsOf } from '../../src/identity/device-entry.ts'
import { rootHash } from '../../src/identity/root-keys.ts'
import { now, rootOf, seeded, signerOf, suite } from './fixture.ts'

for (const hybrid of [false, true])
  test(`create, add, rotate, seen by a contact (${hybrid ? 'hybrid' : 'plain'} root)`, async () => {
    const account = ascii('alice@example.org')
    const [r0, r1, r2] = [0, 1, 2].map((g) => rootOf('alice', g, hybrid)) as [
      ReturnType<typeof rootOf>,
      ReturnType<typeof rootOf>,
      ReturnType<typeof rootOf>,
    ]
    const phone = {
      deviceId: seeded('phone', 16),
      leafKeys: [signerOf('phone').publicKey],
      flags: flagsOf('steward'),
      encLabel: ascii('x'),
    }
    const laptop = { ...phone, deviceId: seeded('laptop', 16), leafKeys: [signerOf('laptop').publicKey] }
    const ops = signerOf('ops')
    const first = await createAccount(
      suite,
      account,
      { root: r0, nextRootHash: rootHash(suite, r1.root), ops },
      phone,
      now,
    )
    const second = await nextManifest(
      suite,
      { kind: 'ops', ops, by: phone.deviceId },
      first.manifest,
      [{ kind: 'add_device', device: laptop, probation: true }],
      now + 10n,
    )
    const third = await rotateRoot(
      suite,
      r0,
      { root: r1, nextRootHash: rootHash(suite, r2.root), ops: signerOf('ops1') },
      second.manifest,
      [],
      now + 20n,
    )
    let pin = advance(suite, unknownContact(account), { kind: 'published', current: first.manifest }, now).pin
    expect(contactState(pin, now)).toBe('TOFU')
    pin = advance(suite, pin, { kind: 'verified', rootHash: first.manifest.rootHash }, now).pin
    const step = advance(suite, pin, { kind: 'published', current: second.manifest }, now + 10n)
    expect(step.findings.map(({ kind }) => kind)).toEqual(['advanced', 'device_added'])
    const last = advance(
      suite,
      step.pin,
      { kind: 'published', current: third.manifest, log: { manifests: [], rotations: [third.rotation] } },
      now + 20n,
    )
    expect(last.findings).toMatchObject([{ kind: 'rotated', strength: 'strong' }])
    expect(contactState(last.pin, now + 20n)).toBe('VERIFIED')
    expect(last.pin.rootHash).toEqual(rootHash(suite, r1.root))
  })
