import { createCipheriv, createDecipheriv, scryptSync } from 'node:crypto'
import { argon2id } from '@noble/hashes/argon2.js'
import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { utf8 } from '../../../src/bytes/text.ts'
import { decode, encode } from '../../../src/codec/codec.ts'
import { Backup, checkBackupFreshness, openBackup, readBackup, sealBackup } from '../../../src/identity/backup.ts'
import { BackupContent, backupLimits } from '../../../src/identity/backup-content.ts'
import {
  type BackupKdf,
  type BackupSecret,
  backupArgon2,
  backupCosts,
  backupScrypt,
} from '../../../src/identity/backup-key.ts'
import { alice, bob, codeOf, codeOfAsync, hkdf256, labelled, opaqueV, suite, u32, u64 } from './support.ts'

const fill = (length: number, byte: number) => new Uint8Array(length).fill(byte)
const content: BackupContent = {
  rootMaterial: { root: 'root_seeds', seeds: [{ generation: 2, seed: fill(32, 1) }] },
  opsPrivateKey: fill(32, 2),
  head: { generation: 2, seq: 41n, hash: fill(16, 3) },
  pins: [
    {
      account: bob,
      rootHash: fill(32, 4),
      generation: 0,
      seq: 5n,
      hash: fill(16, 6),
      state: 'verified',
      verifiedAt: 1n,
    },
  ],
  groups: [{ groupId: fill(32, 7), room: utf8('room@rooms.example.org'), name: utf8('Family') }],
  historyKeys: [{ id: fill(16, 8), key: fill(32, 9) }],
}
const subject = { account: alice, rootHash: fill(32, 11), counter: 7n }
const code: BackupSecret = { kind: 'recovery_code', secret: fill(20, 12) }
const passphrase: BackupSecret = { kind: 'passphrase', passphrase: 'copper lantern giraffe velvet tundra orbit' }
const byCode: BackupKdf = { kdf: 'recovery_code' }
const seal = (what = content, whose = subject) => sealBackup(suite, what, whose, { secret: code, kdf: byCode })
const open = (bytes: Uint8Array, who: object = {}, secret: BackupSecret = code) =>
  openBackup(suite, bytes, { account: alice, ...who }, secret)

/** A backup written a second time, from the input of HKDF on. */
function slowBackup(ikm: Uint8Array, kdf: Buffer, salt: Uint8Array, plaintext: Uint8Array, account = alice): Buffer {
  const context = kdf.subarray(0, 1)
  const key = hkdf256(ikm, salt, labelled('Backup Key', context), 16)
  const commitment = hkdf256(ikm, salt, labelled('Backup Commitment', context), 32)
  const nonce = fill(12, 99)
  const header = Buffer.concat([Buffer.of(1), u64(7n), subject.rootHash, kdf, salt, nonce, commitment])
  const cipher = createCipheriv('aes-128-gcm', key, nonce)
  cipher.setAAD(Buffer.concat([opaqueV(account), header]))
  const ct = Buffer.concat([cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  return Buffer.concat([header, opaqueV(ct)])
}

/** The content, written a second time. */
const slowContent = Buffer.concat([
  Buffer.of(2),
  opaqueV(Buffer.concat([u32(2), fill(32, 1)])),
  Buffer.of(1),
  fill(32, 2),
  Buffer.concat([u32(2), u64(41n), fill(16, 3)]),
  opaqueV(Buffer.concat([opaqueV(bob), fill(32, 4), u32(0), u64(5n), fill(16, 6), Buffer.of(3), u64(1n)])),
  opaqueV(Buffer.concat([opaqueV(fill(32, 7)), opaqueV('room@rooms.example.org'), opaqueV('Family')])),
  opaqueV(Buffer.concat([fill(16, 8), fill(32, 9)])),
])

describe('backup', () => {
  test('with the recovery code: bytes as computed a second time, both ways', async () => {
    const salt = fill(16, 33)
    const written = slowBackup(fill(20, 12), Buffer.of(1), salt, slowContent)
    expect(await open(written)).toEqual({ content, counter: 7n, rootHash: subject.rootHash })

    const bytes = Buffer.from(await seal())
    // version, counter, root hash, kdf, salt, nonce, commitment: 102 bytes
    expect(bytes.subarray(0, 42)).toEqual(Buffer.concat([Buffer.of(1), u64(7n), subject.rootHash, Buffer.of(1)]))
    const [saltOf, nonce, ct] = [bytes.subarray(42, 58), bytes.subarray(58, 70), bytes.subarray(104)]
    const decipher = createDecipheriv(
      'aes-128-gcm',
      hkdf256(fill(20, 12), saltOf, labelled('Backup Key', Buffer.of(1)), 16),
      nonce,
    )
    decipher.setAAD(Buffer.concat([opaqueV(alice), bytes.subarray(0, 102)]))
    decipher.setAuthTag(ct.subarray(-16))
    expect(Buffer.concat([decipher.update(ct.subarray(0, -16)), decipher.final()])).toEqual(slowContent)
  })

  test('with a passphrase by Argon2id: opens what another implementation made', async () => {
    const salt = fill(16, 34)
    const password = Buffer.from('copper lantern giraffe velvet tundra orbit')
    const ikm = argon2id(password, salt, { m: 65_536, t: 3, p: 1, dkLen: 32 })
    const kdf = Buffer.concat([Buffer.of(2), u32(65_536), u32(3), Buffer.of(1)])
    const written = slowBackup(ikm, kdf, salt, slowContent)
    // white space around it, and the form of Unicode, do not matter
    const typed: BackupSecret = { kind: 'passphrase', passphrase: ` ${passphrase.passphrase.replace('c', 'ｃ')}\n` }
    expect((await open(written, {}, typed)).content).toEqual(content)
  }, 60_000)

  test('with a passphrase by scrypt: opens what another implementation made', async () => {
    const salt = fill(16, 35)
    const ikm = scryptSync('copper lantern giraffe velvet tundra orbit', salt, 32, {
      N: 2 ** 17,
      r: 8,
      p: 1,
      maxmem: 2 ** 28,
    })
    const written = slowBackup(ikm, Buffer.of(3, 17, 8, 1), salt, slowContent)
    expect((await open(written, {}, passphrase)).content).toEqual(content)
  }, 60_000)

  test('where WASM is refused, a backup by Argon2id opens all the same', async () => {
    const sealed = await sealBackup(suite, content, subject, { secret: passphrase, kdf: backupArgon2 })
    vi.resetModules()
    vi.doMock('hash-wasm', () => ({
      argon2id: async () => {
        throw new WebAssembly.CompileError('refused by content security policy')
      },
    }))
    const barred = await import('../../../src/identity/backup.ts')
    expect((await barred.openBackup(suite, sealed, { account: alice }, passphrase)).content).toEqual(content)
    vi.doUnmock('hash-wasm')
    vi.resetModules()
  }, 120_000)

  test('seals and opens by scrypt', async () => {
    const sealed = await sealBackup(suite, content, subject, { secret: passphrase, kdf: backupScrypt })
    expect((await open(sealed, {}, passphrase)).counter).toBe(7n)
  }, 60_000)

  test('salt and nonce are new each time', async () => {
    const [one, two] = [decode(Backup, await seal()), decode(Backup, await seal())]
    expect(one.salt).not.toEqual(two.salt)
    expect(one.nonce).not.toEqual(two.nonce)
    expect(one.commitment).not.toEqual(two.commitment)
  })

  test('account, root hash and every byte are bound', async () => {
    const bytes = await seal()
    expect(await codeOfAsync(() => open(bytes, { account: bob }))).toBe('identity_backup/secret')
    expect(await codeOfAsync(() => open(bytes, { rootHash: fill(32, 1) }))).toBe('identity_backup/secret')
    expect(await codeOfAsync(() => open(bytes, { rootHash: subject.rootHash }))).toBe('none')
    expect(await codeOfAsync(() => open(bytes, {}, { kind: 'recovery_code', secret: fill(20, 13) }))).toBe(
      'identity_backup/secret',
    )
    for (let i = 0; i < bytes.length; i++) {
      const bent = bytes.slice()
      bent[i]! ^= 0x80
      const outcome = await codeOfAsync(() => open(bent))
      expect(outcome).toMatch(/^(identity_backup\/(secret|version)|codec\/(enum|short|length|non_minimal|trailing))$/)
      // counter and root hash stand in the clear, and are authenticated
      if (i >= 1 && i < 41) expect(outcome).toBe('identity_backup/secret')
    }
  })

  test('an account that is none', async () => {
    const account = utf8('a b@example.org')
    expect(await codeOfAsync(() => seal(content, { ...subject, account }))).toBe('identity/account')
    expect(await codeOfAsync(async () => open(await seal(), { account }))).toBe('identity/account')
  })

  test('a key that was not committed to', async () => {
    const backup = decode(Backup, await seal())
    // the ciphertext is made to fit another commitment by somebody who knows the key
    const key = hkdf256(fill(20, 12), backup.salt, labelled('Backup Key', Buffer.of(1)), 16)
    const header = encode(Backup, { ...backup, commitment: fill(32, 0), ct: fill(16, 0) }).subarray(0, 102)
    const ct = suite.seal(key, backup.nonce, Buffer.concat([opaqueV(alice), header]), slowContent)
    const forged = encode(Backup, { ...backup, commitment: fill(32, 0), ct })
    expect(await codeOfAsync(() => open(forged))).toBe('identity_backup/secret')
  })

  test('cut, empty and too large input', async () => {
    const bytes = await seal()
    for (let i = 0; i < bytes.length; i += 3) expect(codeOf(() => readBackup(bytes.slice(0, i)))).toBe('codec/short')
    expect(codeOf(() => readBackup(Uint8Array.of(...bytes, 0)))).toBe('codec/trailing')
    expect(codeOf(() => readBackup(Uint8Array.of(2)))).toBe('identity_backup/version')
    expect(codeOf(() => readBackup(new Uint8Array(backupLimits.contentBytes + 257)))).toBe('identity_backup/size')
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (noise) => {
        expect(codeOf(() => readBackup(noise))).not.toBe('untyped')
        expect(codeOf(() => readBackup(Uint8Array.of(1, ...noise)))).not.toBe('untyped')
      }),
    )
  })
})

describe('parameters of a derivation', () => {
  const { salt, nonce, commitment, ct } = {
    salt: fill(16, 0),
    nonce: fill(12, 0),
    commitment: fill(32, 0),
    ct: fill(16, 0),
  }
  const forge = (kdf: BackupKdf) =>
    encode(Backup, { ...kdf, version: 1, counter: 1n, rootHash: fill(32, 0), salt, nonce, commitment, ct })

  test('bombs and downgrades are refused before any work', async () => {
    const argon2 = Object.entries(backupCosts.argon2id).flatMap(([name, [least, most]]) =>
      [least - 1, most + 1].map((value) => ({ ...backupArgon2, [name]: value })),
    )
    const scrypt = Object.entries(backupCosts.scrypt).flatMap(([name, [least, most]]) =>
      [least - 1, most + 1].map((value) => ({ ...backupScrypt, [name]: value })),
    )
    const bombs = [
      { ...backupArgon2, memory: 0xffffffff, passes: 0xffffffff, lanes: 255 },
      { ...backupScrypt, logN: 255 },
    ]
    for (const kdf of [...argon2, ...scrypt, ...bombs]) {
      // without a promise: there is no derivation that could have begun
      expect(codeOf(() => readBackup(forge(kdf)))).toBe('identity_backup/cost')
      expect(await codeOfAsync(() => open(forge(kdf), {}, passphrase))).toBe('identity_backup/cost')
      expect(await codeOfAsync(() => sealBackup(suite, content, subject, { secret: passphrase, kdf }))).toBe(
        'identity_backup/cost',
      )
    }
    for (const [least, most] of Object.values(backupCosts.argon2id)) expect(least).toBeLessThan(most)
    expect(backupCosts.argon2id.memory[0]).toBe(65_536)
    expect(backupCosts.argon2id.passes[0]).toBe(3)
    expect(backupCosts.scrypt.logN[0]).toBe(17)
    expect(codeOf(() => readBackup(forge(backupArgon2)))).toBe('none')
    expect(codeOf(() => readBackup(forge(backupScrypt)))).toBe('none')
  })

  test('the server cannot make a passphrase out of a code, nor the reverse', async () => {
    expect(await codeOfAsync(() => open(forge(byCode), {}, passphrase))).toBe('identity_backup/kind')
    expect(await codeOfAsync(() => open(forge(backupArgon2)))).toBe('identity_backup/kind')
    expect(await codeOfAsync(() => open(forge(backupScrypt)))).toBe('identity_backup/kind')
    const by = (secret: BackupSecret, kdf: BackupKdf) =>
      codeOfAsync(() => sealBackup(suite, content, subject, { secret, kdf }))
    expect(await by(passphrase, byCode)).toBe('identity_backup/kind')
    expect(await by(code, backupArgon2)).toBe('identity_backup/kind')
    expect(await by({ kind: 'recovery_code', secret: fill(19, 0) }, byCode)).toBe('crypto/length')
  })

  test('weak passphrases seal nothing', async () => {
    for (const weak of ['', 'password', 'alice example alice example org', 'hunter2hunter2hunter2', '   '])
      expect(
        await codeOfAsync(() =>
          sealBackup(suite, content, subject, { secret: { kind: 'passphrase', passphrase: weak }, kdf: backupArgon2 }),
        ),
      ).toBe('identity_backup/passphrase')
  })
})

describe('content', () => {
  test('has exactly the fields of the design', () => {
    type Fields = 'rootMaterial' | 'opsPrivateKey' | 'head' | 'pins' | 'groups' | 'historyKeys'
    // both lines stop compiling when a field is added or lost
    const none: Exclude<keyof BackupContent, Fields> extends never ? true : false = true
    const all: Exclude<Fields, keyof BackupContent> extends never ? true : false = true
    expect(none && all).toBe(true)
    expect(Object.keys(decode(BackupContent, slowContent)).toSorted()).toEqual(
      ['groups', 'head', 'historyKeys', 'opsPrivateKey', 'pins', 'rootMaterial'].toSorted(),
    )
  })

  test('keys of a device have no place in it', async () => {
    // @ts-expect-error a leaf key is no part of a backup
    const leaf: BackupContent = { ...content, leafPrivateKey: fill(32, 77) }
    // @ts-expect-error neither is an epoch secret
    const epoch: BackupContent = { ...content, groups: [{ ...content.groups[0]!, epochSecret: fill(32, 77) }] }
    const ratchet: BackupContent = {
      ...content,
      // @ts-expect-error nor a ratchet
      historyKeys: [{ id: fill(16, 8), key: fill(32, 9), ratchet: fill(32, 77) }],
    }
    for (const bad of [leaf, epoch, ratchet]) {
      expect(await codeOfAsync(() => seal(bad))).toBe('identity_backup/content')
      expect(Buffer.from(encode(BackupContent, bad)).includes(77)).toBe(false)
    }
  })

  test('comes back, whatever is in it', async () => {
    const bytes = (length: number) =>
      fc.uint8Array({ minLength: length, maxLength: length }).map((b) => new Uint8Array(b))
    const short = fc.uint8Array({ minLength: 1, maxLength: 40 }).map((b) => new Uint8Array(b))
    const u32s = fc.integer({ min: 0, max: 0xffffffff })
    const u64s = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n })
    const place = { generation: u32s, seq: u64s, hash: bytes(16) }
    const any = fc.record({
      rootMaterial: fc.oneof(
        fc.constant({ root: 'none' } as const),
        fc.record({ root: fc.constant('recovery_secret' as const), recoverySecret: bytes(20) }),
        fc.record({
          root: fc.constant('root_seeds' as const),
          seeds: fc.array(fc.record({ generation: u32s, seed: bytes(32) }), { maxLength: 16 }),
        }),
      ),
      opsPrivateKey: fc.option(bytes(32), { nil: undefined }),
      head: fc.record(place),
      pins: fc.array(
        fc.record({
          account: fc.constantFrom(alice, bob),
          rootHash: bytes(32),
          ...place,
          state: fc.constantFrom('tofu' as const, 'link_verified' as const, 'verified' as const),
          verifiedAt: u64s,
        }),
        { maxLength: 5 },
      ),
      groups: fc.array(fc.record({ groupId: short, room: short, name: short }), { maxLength: 5 }),
      historyKeys: fc.array(fc.record({ id: bytes(16), key: bytes(32) }), { maxLength: 5 }),
    })
    await fc.assert(
      fc.asyncProperty(any, async (value) => {
        expect((await open(await seal(value))).content).toEqual(value)
      }),
      { numRuns: 40 },
    )
  })

  test('bounds', async () => {
    const seeds = Array.from({ length: backupLimits.rootSeeds + 1 }, () => ({ generation: 0, seed: fill(32, 0) }))
    const many = encode(BackupContent, { ...content, rootMaterial: { root: 'root_seeds', seeds } })
    expect(codeOf(() => decode(BackupContent, many))).toBe('codec/limit')
    const group = { groupId: fill(1_024, 0), room: fill(1_024, 0), name: fill(1_024, 0) }
    const large = { ...content, groups: Array.from({ length: 1_400 }, () => group) }
    expect(await codeOfAsync(() => seal(large))).toBe('identity_backup/size')
  })
})

describe('freshness', () => {
  const opened = { content, counter: 7n, rootHash: fill(32, 0) }
  const { head } = content
  const found = (known: Parameters<typeof checkBackupFreshness>[1]) => checkBackupFreshness(opened, known)

  test('an older backup than the manifest says', () => {
    expect(found({ counter: 8n })).toEqual(['rollback'])
    expect(found({ counter: 7n })).toEqual([])
    expect(found({ counter: 6n })).toEqual([])
    expect(found({})).toEqual([])
  })

  test('an older manifest than the backup knows, and two manifests with one number', () => {
    expect(found({ head })).toEqual([])
    expect(found({ head: { ...head, seq: 42n, hash: fill(16, 0) } })).toEqual([])
    expect(found({ head: { ...head, generation: 3, seq: 0n } })).toEqual([])
    expect(found({ head: { ...head, seq: 40n } })).toEqual(['manifest_rollback'])
    expect(found({ head: { ...head, generation: 1, seq: 99n } })).toEqual(['manifest_rollback'])
    expect(found({ head: { ...head, hash: fill(16, 4) } })).toEqual(['equivocation'])
    expect(found({ counter: 9n, head: { ...head, seq: 40n } })).toEqual(['rollback', 'manifest_rollback'])
  })
})
