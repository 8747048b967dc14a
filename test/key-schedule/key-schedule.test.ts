import { describe, expect, test } from 'vitest'
import { Secret } from '../../src/bytes/secret.ts'
import { toHex } from '../../src/bytes/text.ts'
import { suiteParameters } from '../../src/crypto/suites.ts'
import { exportSecret } from '../../src/key-schedule/exporter.ts'
import { externalInitReceiver, externalInitSender, externalKeyPair } from '../../src/key-schedule/external.ts'
import {
  checkConfirmationTag,
  confirmationTag,
  confirmedTranscriptHash,
  deriveEpochSecrets,
  deriveJoinerSecret,
  deriveWelcomeSecret,
  expandEpochSecret,
  initialEpochSecret,
  interimTranscriptHash,
  zeroCommitSecret,
} from '../../src/key-schedule/key-schedule.ts'
import { derivePskSecret, type PskInput } from '../../src/key-schedule/psk-secret.ts'
import { nobleProvider } from '../../src/providers/noble/provider.ts'
import { systemRng } from '../../src/providers/system-rng.ts'
import type { AuthenticatedContent } from '../../src/wire/framed-content.ts'
import { byteStrings } from '../secret-tree/object-graph.ts'
import { thrown, watched } from '../secret-tree/support.ts'

const suite = nobleProvider.open(suiteParameters(1), systemRng)
const filled = <L extends string>(value: number) => new Secret<L>(new Uint8Array(32).fill(value))
const hex = (secret: Secret<string>) => secret.use(toHex)
const context = new Uint8Array([1, 2, 3])
const epochOf = (init = 1, commit = 2, psk = 3, encodedContext = context) =>
  deriveEpochSecrets(
    suite,
    deriveJoinerSecret(suite, filled(init), filled(commit), encodedContext),
    filled(psk),
    encodedContext,
  ).epoch
const commit = (wireFormat: AuthenticatedContent['wireFormat']): AuthenticatedContent => ({
  wireFormat,
  content: {
    groupId: new Uint8Array(1),
    epoch: 1n,
    sender: { senderType: 'member', leafIndex: 0 },
    authenticatedData: new Uint8Array(0),
    contentType: 'commit',
    commit: { proposals: [], path: undefined },
  },
  auth: { signature: new Uint8Array(64), confirmationTag: new Uint8Array(32) },
})

describe('ownership (V216)', () => {
  test('inputs are consumed, and their bytes zeroed', () => {
    const bytes = [1, 2, 3].map((value) => new Uint8Array(32).fill(value))
    const [init, commitSecret, psk] = bytes.map((value) => new Secret<never>(value))
    const joiner = deriveJoinerSecret(suite, init!, commitSecret!, context)
    deriveEpochSecrets(suite, joiner, psk!, context)
    expect([init, commitSecret, psk].map((secret) => secret?.consumed)).toEqual([true, true, true])
    expect(bytes.map(toHex)).toEqual(Array(3).fill('00'.repeat(32)))
    expect(joiner.consumed).toBe(false)
    expect(thrown(() => deriveJoinerSecret(suite, init!, filled(2), context))).toEqual(['secret/consumed', undefined])
  })

  test('no intermediate secret survives', () => {
    const watch = watched()
    const joiner = deriveJoinerSecret(watch.suite, filled(1), filled(2), context)
    const { welcomeSecret, epoch } = deriveEpochSecrets(watch.suite, joiner, filled(3), context)
    const live = new Set(byteStrings([joiner, welcomeSecret, epoch], watch.suite))
    expect(live.size).toBe(11)
    expect(watch.outputs.map(toHex).filter((secret) => !/^0+$/.test(secret) && !live.has(secret))).toEqual([])
    expect(watch.count()).toBe(1 + 2 + 9)
  })

  test('no intermediate secret of the welcome secret and of PSKs survives', () => {
    const watch = watched()
    const [joiner, psk] = [filled<'joiner_secret'>(1), filled<'psk_secret'>(2)]
    const welcome = deriveWelcomeSecret(watch.suite, joiner, psk)
    const id = { psktype: 'external', pskId: new Uint8Array([1]), pskNonce: new Uint8Array(32) } as const
    const input = { id, psk: new Uint8Array([1]) }
    const secret = derivePskSecret(watch.suite, [input, input])
    expect([joiner.consumed, psk.consumed]).toEqual([false, false])
    expect(watch.outputs.map(toHex).filter((bytes) => !/^0+$/.test(bytes))).toEqual([hex(welcome), hex(secret)])
  })

  test('the external secret and the external private key leave no copy', async () => {
    const seen: Uint8Array[] = []
    const spying = new Proxy(suite, {
      get(target, name) {
        const member = Reflect.get(target, name, target) as unknown
        if (name === 'deriveKeyPair')
          return async (ikm: Uint8Array) => {
            const pair = await target.deriveKeyPair(ikm)
            seen.push(ikm, pair.privateKey)
            return pair
          }
        return typeof member === 'function' ? member.bind(target) : member
      },
    })
    const secret = filled<'external_secret'>(7)
    const { kemOutput } = await externalInitSender(suite, (await externalKeyPair(suite, secret)).publicKey)
    await externalInitReceiver(spying, secret, kemOutput)
    expect(seen.map(toHex)).toEqual(['00'.repeat(32), '00'.repeat(32)])
    expect(secret.consumed).toBe(false)
  })

  test('the exporter leaves nothing but its result', () => {
    const watch = watched()
    const secret = filled<'exporter_secret'>(5)
    const exported = exportSecret(watch.suite, secret, 'label', context, 16)
    expect(watch.outputs.map(toHex).filter((bytes) => !/^0+$/.test(bytes))).toEqual([toHex(exported)])
    expect(secret.consumed).toBe(false)
  })

  test('the first epoch secret is random and of Nh bytes', () => {
    const [one, two] = [initialEpochSecret(suite), initialEpochSecret(suite)]
    expect(one.length).toBe(32)
    expect(hex(one)).not.toBe(hex(two))
    expect(hex(expandEpochSecret(suite, one).initSecret)).not.toBe(hex(expandEpochSecret(suite, two).initSecret))
    expect(one.consumed).toBe(true)
  })
})

describe('inputs decide', () => {
  test('V192, V193, V194, V197: every input changes every secret of the epoch', () => {
    const values = [
      epochOf(),
      epochOf(9),
      epochOf(1, 0),
      epochOf(1, 2, 0),
      epochOf(1, 2, 3, new Uint8Array([1, 2, 4])),
    ].map((epoch) => [...byteStrings(epoch)])
    expect(values.map((secrets) => secrets.length)).toEqual([9, 9, 9, 9, 9])
    expect(new Set(values.flat()).size).toBe(45)
  })

  test('V192: without a path and without PSKs the inputs are Nh zeros', () => {
    expect(hex(zeroCommitSecret(suite))).toBe('00'.repeat(32))
    expect(hex(derivePskSecret(suite, []))).toBe('00'.repeat(32))
  })

  test('V190: the wire format enters the transcript', () => {
    const hash = (format: AuthenticatedContent['wireFormat']) =>
      toHex(confirmedTranscriptHash(suite, new Uint8Array(0), commit(format)))
    expect(hash('mls_public_message')).not.toBe(hash('mls_private_message'))
  })

  test('V196: the confirmation tag enters the interim hash and not the confirmed one', () => {
    const other = { ...commit('mls_public_message'), auth: { signature: new Uint8Array(64) } }
    const hash = confirmedTranscriptHash(suite, new Uint8Array(0), commit('mls_public_message'))
    expect(confirmedTranscriptHash(suite, new Uint8Array(0), other)).toEqual(hash)
    const interim = [0, 1].map((value) => toHex(interimTranscriptHash(suite, hash, new Uint8Array(32).fill(value))))
    expect(interim[0]).not.toBe(interim[1])
  })
})

describe('PSKs', () => {
  const nonce = (value: number) => new Uint8Array(32).fill(value)
  const external: PskInput = {
    id: { psktype: 'external', pskId: new Uint8Array([1]), pskNonce: nonce(1) },
    psk: new Uint8Array(5).fill(1),
  }
  const resumption = (usage: 'application' | 'reinit' | 'branch', epoch = 3n): PskInput => ({
    id: { psktype: 'resumption', usage, pskGroupId: new Uint8Array([1]), pskEpoch: epoch, pskNonce: nonce(2) },
    psk: new Uint8Array(32).fill(2),
  })
  const secret = (...psks: PskInput[]) => hex(derivePskSecret(suite, psks))

  test('V195, V204: order, type, usage, epoch and nonce decide; the keys stay the caller’s', () => {
    const again = { ...external, id: { ...external.id, pskNonce: nonce(7) } }
    const all = [
      secret(external),
      secret(again),
      secret(resumption('application')),
      secret(resumption('reinit')),
      secret(resumption('branch')),
      secret(resumption('branch', 4n)),
      secret(external, resumption('branch')),
      secret(resumption('branch'), external),
      secret(external, again),
    ]
    expect(new Set(all).size).toBe(all.length)
    expect(toHex(external.psk)).toBe('01'.repeat(5))
  })

  test('V208: the number of PSKs is bounded', () => {
    expect(thrown(() => derivePskSecret(suite, Array(17).fill(external)))).toEqual(['psk/invalid', 'V208'])
    expect(thrown(() => derivePskSecret(suite, Array(16).fill(external)))).toBe(undefined)
  })
})

describe('confirmation tags', () => {
  const key = filled<'confirmation_key'>(4)
  const hash = new Uint8Array(32).fill(6)
  const tag = confirmationTag(suite, key, hash)
  const verify = (bytes: Uint8Array, over = hash) =>
    thrown(() => checkConfirmationTag(confirmationTag(suite, key, over), bytes))

  test('a genuine one', () => expect(verify(tag)).toBe(undefined))

  test('V084: any flipped bit, another transcript', () => {
    for (let at = 0; at < tag.length; at++) {
      const flipped = new Uint8Array(tag)
      flipped[at] = (flipped[at] as number) ^ 0x80
      expect(verify(flipped)).toEqual(['commit/confirmation_tag', 'V084'])
    }
    expect(verify(tag, new Uint8Array(32))).toEqual(['commit/confirmation_tag', 'V084'])
  })

  test('V085: lengths 0, 1, Nh - 1, Nh + 1 with the right prefix', () => {
    for (const length of [0, 1, 31, 33]) {
      const other = new Uint8Array(length)
      other.set(tag.subarray(0, length))
      expect(verify(other)).toEqual(['commit/confirmation_tag', 'V085'])
    }
  })
})

describe('exporter', () => {
  const secret = filled<'exporter_secret'>(5)
  const run = (label: string, length: number) => thrown(() => exportSecret(suite, secret, label, context, length))

  test('V031: lengths that the exporter cannot give', () => {
    for (const length of [65536, 255 * 32 + 1, -1, 1.5]) expect(run('a', length)).toEqual(['crypto/length', 'V031'])
    for (const length of [0, 1, 255 * 32]) expect(run('a', length)).toBe(undefined)
    const suite7 = nobleProvider.open(suiteParameters(7), systemRng)
    const long = new Secret<'exporter_secret'>(new Uint8Array(48).fill(1))
    expect(exportSecret(suite7, long, 'a', context, 255 * 48).length).toBe(12240)
  })

  test('a label that is not ASCII, which would collide with another', () => {
    expect(run('\u0141', 16)).toEqual(['crypto/label', undefined])
    expect(run('é', 16)).toEqual(['crypto/label', undefined])
  })

  test('label, context and length decide', () => {
    const results = [
      exportSecret(suite, secret, 'a', context, 32),
      exportSecret(suite, secret, 'b', context, 32),
      exportSecret(suite, secret, 'a', new Uint8Array(0), 32),
      exportSecret(suite, secret, 'a', context, 33).subarray(0, 32),
    ].map(toHex)
    expect(new Set(results).size).toBe(4)
  })
})

describe('external init (V194, V293)', () => {
  for (const id of [1, 2, 3, 4, 5, 6, 7])
    test(`suite ${id}: joiner and members agree`, async () => {
      const suite = nobleProvider.open(suiteParameters(id), systemRng)
      const { hashLength } = suite.parameters
      const external = new Secret<'external_secret'>(new Uint8Array(hashLength).fill(7))
      const { publicKey } = await externalKeyPair(suite, external)
      const { kemOutput, initSecret } = await externalInitSender(suite, publicKey)
      const received = await externalInitReceiver(suite, external, kemOutput)
      expect(initSecret.length).toBe(hashLength)
      expect(hex(received)).toBe(hex(initSecret))
      expect(external.consumed).toBe(false)
      const again = await externalInitSender(suite, publicKey)
      expect(hex(again.initSecret)).not.toBe(hex(initSecret))
    })

  test('V293: a KEM output of another length, and a low-order one', async () => {
    for (const kemOutput of [new Uint8Array(31), new Uint8Array(33), new Uint8Array(32), new Uint8Array(0)])
      await expect(externalInitReceiver(suite, filled(7), kemOutput)).rejects.toMatchObject({ code: 'crypto/decrypt' })
    await expect(externalInitSender(suite, new Uint8Array(32))).rejects.toMatchObject({ code: 'crypto/key' })
  })
})

describe('types', () => {
  test('secrets with other labels do not compile', () => {
    const swapped = () => {
      // @ts-expect-error the two inputs are not interchangeable
      deriveJoinerSecret(suite, filled<'commit_secret'>(1), filled<'init_secret'>(2), context)
      // @ts-expect-error a joiner secret is no PSK secret
      deriveEpochSecrets(suite, filled<'joiner_secret'>(1), filled<'joiner_secret'>(2), context)
      // @ts-expect-error an epoch secret is no joiner secret
      deriveEpochSecrets(suite, filled<'epoch_secret'>(1), filled<'psk_secret'>(2), context)
      // @ts-expect-error a membership key confirms nothing
      confirmationTag(suite, filled<'membership_key'>(1), context)
      // @ts-expect-error only the exporter secret exports
      exportSecret(suite, filled<'epoch_secret'>(1), 'a', context, 1)
      // @ts-expect-error the init secret has no key pair
      externalKeyPair(suite, filled<'init_secret'>(1))
      // @ts-expect-error plain bytes are no secret
      expandEpochSecret(suite, new Uint8Array(32))
      deriveJoinerSecret(suite, filled<'init_secret'>(1), filled<'commit_secret'>(2), context)
    }
    expect(swapped).toBeTypeOf('function')
  })
})
