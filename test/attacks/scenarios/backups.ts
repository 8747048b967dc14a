/** Attacks on the sealed backup, by the server that keeps it. */
import { decode, encode } from '../../../src/codec/codec.ts'
import { Backup, checkBackupFreshness, openBackup, sealBackup } from '../../../src/identity/backup.ts'
import type { BackupContent } from '../../../src/identity/backup-content.ts'
import { backupArgon2, backupScrypt } from '../../../src/identity/backup-key.ts'
import { alice } from '../../identity/ceremonies/support.ts'
import { type Attack, refusal, stopped, succeeded, verdict } from '../attack.ts'
import { seeded, suite } from '../stage.ts'

const secret = { kind: 'recovery_code', secret: seeded('R', 20) } as const
const head = (seq: bigint) => ({ generation: 0, seq, hash: seeded(`head ${seq}`, 16) })
const contentAt = (seq: bigint): BackupContent => ({
  rootMaterial: { root: 'recovery_secret', recoverySecret: secret.secret },
  opsPrivateKey: undefined,
  head: head(seq),
  pins: [],
  groups: [],
  historyKeys: [],
})
const subject = (counter: bigint) => ({ account: alice, rootHash: seeded('root'), counter })

/** 15: the server tries what people choose. */
const guessing: Attack = {
  id: '15a',
  name: 'the server guesses the passphrase of the backup',
  stoppedBy: 'identity_backup/passphrase',
  async run() {
    const passphrase = 'Dragon2019'
    let bytes: Uint8Array | undefined
    const sealing = { secret: { kind: 'passphrase', passphrase }, kdf: backupScrypt } as const
    const error = await refusal(async () => {
      bytes = await sealBackup(suite, contentAt(1n), subject(1n), sealing)
    })
    if (bytes === undefined) return stopped(error ?? 'nothing')
    for (const guess of ['Password1', 'Dragon2019', 'Monkey123']) {
      const opened = await refusal(() =>
        openBackup(suite, bytes as Uint8Array, { account: alice }, { kind: 'passphrase', passphrase: guess }),
      )
      if (opened === undefined) return succeeded('the second guess of the server opens the backup')
    }
    return stopped('a guess that was not made')
  },
}

/** 15b: a client is talked into a cheap derivation. */
const cheapKey: Attack = {
  id: '15b',
  name: 'a backup is sealed with a derivation that is cheap to guess',
  stoppedBy: 'identity_backup/cost',
  async run() {
    const kdf = { ...backupScrypt, logN: 10 }
    const passphrase = 'glacier tuba mustard violin orchid'
    const error = await refusal(() =>
      sealBackup(suite, contentAt(1n), subject(1n), { secret: { kind: 'passphrase', passphrase }, kdf }),
    )
    return verdict(error === undefined, 'a guess costs 1 MiB and a millisecond', error ?? 'nothing')
  },
}

/** 16: an older backup, and an older manifest beside it. */
const olderBackup: Attack = {
  id: '16',
  name: 'the server returns an older backup',
  stoppedBy: 'rollback',
  async run() {
    const sealing = { secret, kdf: { kdf: 'recovery_code' } } as const
    const [old] = [
      await sealBackup(suite, contentAt(4n), subject(4n), sealing),
      await sealBackup(suite, contentAt(9n), subject(9n), sealing),
    ]
    const opened = await openBackup(suite, old, { account: alice }, secret)
    // what the manifest says
    const findings = checkBackupFreshness(opened, { counter: 9n, head: head(9n) })
    // and the number cannot be raised without the key
    const raised = encode(Backup, { ...decode(Backup, old), counter: 9n })
    const forged = await refusal(() => openBackup(suite, raised, { account: alice }, secret))
    if (forged !== 'identity_backup/secret') return succeeded('the number of a backup can be changed')
    return verdict(findings.length === 0, 'an old backup comes back without a word', findings.join())
  },
}

/** 17: parameters that keep a device busy for minutes. */
const bomb: Attack = {
  id: '17',
  name: 'the parameters of a backup are a bomb',
  stoppedBy: 'identity_backup/cost',
  async run() {
    const kdf = { ...backupArgon2, passes: 17 }
    const header = { version: 1, counter: 1n, rootHash: seeded('root'), salt: seeded('salt', 16) }
    const bytes = encode(Backup, {
      ...header,
      ...kdf,
      nonce: seeded('nonce', 12),
      commitment: seeded('commitment'),
      ct: seeded('ct', 64),
    })
    const begin = performance.now()
    const error = await refusal(() =>
      openBackup(suite, bytes, { account: alice }, { kind: 'passphrase', passphrase: 'what the owner types' }),
    )
    const ms = performance.now() - begin
    const worked = error === 'identity_backup/secret' && ms > 100
    return verdict(
      worked,
      `the device works as long as the server says (${Math.round(ms)} ms for 17 passes)`,
      error ?? 'nothing',
    )
  },
}

export const backupAttacks: readonly Attack[] = [guessing, cheapKey, olderBackup, bomb]
