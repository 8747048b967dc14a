/** Attacks on the sealed backup, by the server that keeps it. */
import { utf8 } from '../../../src/bytes/text.ts'
import { decode, encode } from '../../../src/codec/codec.ts'
import { Backup, openBackup, sealBackup } from '../../../src/identity/backup.ts'
import { backupArgon2, backupScrypt } from '../../../src/identity/backup-key.ts'
import { omemoStatement } from '../../../src/identity.ts'
import { MaliciousServer } from '../../../src/testing/xmpp/index.ts'
import { buildBytes, currentItem, identityNodes, parseBytes } from '../../../src/xmpp/identity/wire.ts'
import { type Attack, refusal, stopped, succeeded, verdict } from '../attack.ts'
import { alice, seeded, suite, Town } from '../stage.ts'

/** Alice with an identity on a server that keeps all that it was ever given. */
async function aliceOn(seed: string) {
  const town = new Town(seed)
  const evil = new MaliciousServer(town.service)
  const phone = await town.phone(`${alice}/phone`)
  const { recoveryCode } = await phone.identity.create()
  /** The newest backup that the server was given. */
  const kept = () => {
    const all = evil.seen.filter(({ account, node }) => account === alice && node === identityNodes.backup)
    return parseBytes('backup', all.at(-1)?.item.payload)
  }
  return { town, evil, phone, recoveryCode, kept }
}

/** 15: the server tries what people choose. */
const guessing: Attack = {
  id: '15a',
  name: 'the server guesses the passphrase of the backup',
  stoppedBy: 'identity_backup/passphrase',
  async run() {
    const { town, phone, kept } = await aliceOn('guessing')
    const error = await refusal(() => phone.identity.backup({ passphrase: 'Dragon2019' }))
    town.stop()
    const bytes = kept()
    if (error !== undefined || bytes === undefined) return stopped(error ?? 'nothing')
    for (const passphrase of ['Password1', 'Dragon2019', 'Monkey123']) {
      const secret = { kind: 'passphrase', passphrase } as const
      const opened = await refusal(() => openBackup(suite, bytes, { account: utf8(alice) }, secret))
      if (opened === undefined) return succeeded('the second guess of the server opens the backup')
    }
    return stopped('a guess that was not made')
  },
}

/** 15b: a derivation that is cheap; clients choose none, so this is what seals. */
const cheapKey: Attack = {
  id: '15b',
  name: 'a backup is sealed with a derivation that is cheap to guess',
  stoppedBy: 'identity_backup/cost',
  async run() {
    const kdf = { ...backupScrypt, logN: 10 }
    const secret = { kind: 'passphrase', passphrase: 'glacier tuba mustard violin orchid' } as const
    const content = {
      rootMaterial: { root: 'none' },
      opsPrivateKey: undefined,
      head: { generation: 0, seq: 1n, hash: seeded('head', 16) },
      ...{ pins: [], groups: [], historyKeys: [] },
    } as const
    const subject = { account: utf8(alice), rootHash: seeded('root'), counter: 1n }
    const error = await refusal(() => sealBackup(suite, content, subject, { secret, kdf }))
    return verdict(error === undefined, 'a guess costs 1 MiB and a millisecond', error ?? 'nothing')
  },
}

/** 16: an older backup, which knows less than what the list says. */
const olderBackup: Attack = {
  id: '16',
  name: 'the server returns an older backup',
  stoppedBy: 'rollback',
  async run() {
    const { town, evil, phone, recoveryCode, kept } = await aliceOn('older backup')
    const old = kept()
    await phone.identity.vouch(omemoStatement(1, seeded('omemo')))
    await phone.identity.backup({ recoveryCode })
    await phone.close()
    if (old === undefined) throw new Error('no backup was made')
    const restored = async (resource: string, bytes: Uint8Array) => {
      const payload = buildBytes('backup', bytes)
      const stop = evil.show(alice, identityNodes.backup, { to: alice, item: { id: currentItem, payload } })
      const next = await town.phone(`${alice}/${resource}`)
      let found: readonly string[] = []
      const error = await refusal(async () => {
        found = (await next.identity.restore({ recoveryCode })).findings
      })
      stop()
      return { error, found }
    }
    // the number cannot be raised without the key
    const raised = await restored('raised', encode(Backup, { ...decode(Backup, old), counter: 9n }))
    const { error, found } = await restored('next', old)
    town.stop()
    if (raised.error !== 'identity_backup/secret') return succeeded('the number of a backup can be changed')
    return verdict(error === undefined && found.length === 0, 'an old backup comes back without a word', found.join())
  },
}

/** 17: parameters that keep a device busy for minutes. */
const bomb: Attack = {
  id: '17',
  name: 'the parameters of a backup are a bomb',
  stoppedBy: 'identity_backup/cost',
  async run() {
    const { town, evil, phone } = await aliceOn('bomb')
    await phone.close()
    const bytes = encode(Backup, {
      ...{ version: 1, counter: 1n, rootHash: seeded('root'), salt: seeded('salt', 16) },
      ...{ ...backupArgon2, passes: 17 },
      ...{ nonce: seeded('nonce', 12), commitment: seeded('commitment'), ct: seeded('ct', 64) },
    })
    const item = { id: currentItem, payload: buildBytes('backup', bytes) }
    evil.show(alice, identityNodes.backup, { to: alice, item })
    const next = await town.phone(`${alice}/next`)
    const begin = performance.now()
    const error = await refusal(() => next.identity.restore({ passphrase: 'what the owner types' }))
    const ms = performance.now() - begin
    town.stop()
    const worked = error === 'identity_backup/secret' && ms > 100
    return verdict(
      worked,
      `the device works as long as the server says (${Math.round(ms)} ms for 17 passes)`,
      error ?? 'nothing',
    )
  },
}

export const backupAttacks: readonly Attack[] = [guessing, cheapKey, olderBackup, bomb]
