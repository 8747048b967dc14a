/** Attacks by thieves of devices and keys, seen by a contact. */

import { encode } from '../../../src/codec/codec.ts'
import { nextManifest } from '../../../src/identity/account.ts'
import { followingContent } from '../../../src/identity/account-changes.ts'
import { recoverAccount, resetAccount, rotateOps } from '../../../src/identity/account-root.ts'
import { flagsOf } from '../../../src/identity/device-entry.ts'
import { Manifest, ManifestTbs, signManifest } from '../../../src/identity/manifest.ts'
import { decodeRecoveryCode } from '../../../src/identity/recovery-code.ts'
import { rootHash, rootSeed, rootSigner } from '../../../src/identity/root-keys.ts'
import { signRotation } from '../../../src/identity/rotation.ts'
import { keySigner } from '../../../src/signed/signer.ts'
import { type Attack, attempt, refusal, verdict } from '../attack.ts'
import {
  alarmOf,
  alice,
  aliceAndBob,
  beginAs,
  bob,
  deviceOf,
  devicesSeen,
  hex,
  lootOf,
  nextBy,
  phoneThatKnows,
  secondsIn,
  seeded,
  serve,
  suite,
  Town,
} from '../stage.ts'

/** 12a: the thief has OPS; the owner has replaced it from the root and said so; the thief goes on. */
const stolenSteward: Attack = {
  id: '12a',
  name: 'a stolen steward lists a device of the thief, after the owner has reacted',
  stoppedBy: 'equivocation',
  async run() {
    const { town, loot, first, bob: phone } = await aliceAndBob('steward')
    const ops = keySigner(suite, seeded('new ops'))
    const { manifest: second } = await rotateOps(suite, { root: loot.root, ops }, first, [], secondsIn(town) + 60n)
    serve(town, alice, second.bytes, [first, second])
    await phone.identity.refresh(alice)
    const ghost = deviceOf('ghost')
    const stale = { ...second, ops: first.ops } as typeof second
    const third = await nextBy(loot, stale, [{ kind: 'add_device', device: ghost, probation: false }])
    serve(town, alice, third.bytes, [first, second, third])
    await phone.identity.refresh(alice)
    const listed = (await devicesSeen(phone, alice)).includes(hex(ghost.deviceId))
    const by = await alarmOf(phone, alice)
    town.stop()
    return verdict(listed, 'the device of the thief is listed', by)
  },
}

/** 12b: what was let in a moment ago lets in the next one. */
const probation: Attack = {
  id: '12b',
  name: 'a device that was just let in certifies the next one',
  stoppedBy: 'identity/state I092',
  async run() {
    const { town, loot, first } = await aliceAndBob('probation')
    town.stop()
    const inside = deviceOf('inside', flagsOf('steward'))
    const second = await nextBy(loot, first, [{ kind: 'add_device', device: inside, probation: true }])
    const by = { kind: 'ops', ops: loot.ops, by: inside.deviceId } as const
    const change = { kind: 'add_device', device: deviceOf('another'), probation: true } as const
    return attempt(
      () => nextManifest(suite, by, second, [change], second.issuedAt + 1n),
      'a device on probation has let in another one',
    )
  },
}

/** 12c: the other devices of the owner are told at once. */
const silentAddition: Attack = {
  id: '12c',
  name: 'a device is added behind the back of the owner',
  stoppedBy: 'own: 1 added, not by this device',
  async run() {
    const town = new Town('behind')
    const phone = await town.phone(`${alice}/phone`)
    await phone.identity.create()
    const loot = await lootOf(phone)
    const told: string[] = []
    phone.identity.on('own', ({ added, byThisDevice }) => {
      if (!byThisDevice && added.length > 0) told.push(`own: ${added.length} added, not by this device`)
    })
    const ghost = deviceOf('ghost')
    const second = await nextBy(loot, loot.manifest, [{ kind: 'add_device', device: ghost, probation: true }])
    serve(town, alice, second.bytes, [loot.manifest, second])
    await phone.identity.audit()
    const listed = phone.identity.status.devices.some(({ device }) => device === hex(ghost.deviceId))
    await town.wait(1_000)
    town.stop()
    return verdict(listed && told.length === 0, 'no device of the owner says a word', told[0] ?? 'nothing')
  },
}

/** 13: the root in use signs a rotation to the root of the thief. */
const stolenRoot: Attack = {
  id: '13',
  name: 'the root seed in use is stolen and signs a rotation',
  stoppedBy: 'changed, shown as CHANGED',
  async run() {
    const { town, loot, first, bob: phone } = await aliceAndBob('root')
    const thief = rootSigner(suite, seeded('thief'), false)
    const content = {
      account: first.account,
      oldGeneration: 0,
      oldRootHash: first.rootHash,
      newGeneration: 1,
      lastSeq: first.seq,
      lastHash: first.hash,
    }
    const rotation = await signRotation(suite, { old: loot.root, next: thief }, content)
    const ghost = deviceOf('ghost')
    const entry = { ...first.devices[0]!, deviceId: ghost.deviceId, leafKeys: ghost.leafKeys }
    const next = await signManifest(
      suite,
      { kind: 'root', root: thief },
      {
        ...followingContent(first, first.issuedAt + 60n),
        generation: 1,
        root: thief.root,
        ops: undefined,
        devices: [...first.devices, entry],
      },
    )
    serve(town, alice, next.bytes, [first, next], [rotation])
    await phone.identity.refresh(alice)
    const { state, rootHash: believed } = await phone.identity.contact(alice)
    const by = await alarmOf(phone, alice)
    town.stop()
    const fooled = state === 'VERIFIED' && hex(believed ?? new Uint8Array(0)) === hex(next.rootHash)
    return verdict(fooled, 'the root of the thief counts as verified', by)
  },
}

/** 14: nobody has anything but the code; and somebody without the code says that it was lost. */
const allLost: Attack = {
  id: '14',
  name: 'all devices are lost; somebody without the recovery code resets the account',
  stoppedBy: 'changed, shown as CHANGED',
  async run() {
    const town = new Town('lost')
    const phone = await town.phone(`${alice}/phone`)
    const { recoveryCode } = await phone.identity.create()
    const { manifest: first } = await lootOf(phone)
    await phone.close()
    const knows = { account: alice, rootHash: first.rootHash, by: 'verified' } as const
    const [bobs, carols] = [
      await phoneThatKnows(town, `${bob}/phone`, knows),
      await phoneThatKnows(town, 'carol@a.test/phone', knows),
    ]
    for (const one of [bobs, carols]) await one.identity.contact(alice)
    const now = secondsIn(town) + 60n
    // the owner, with the code: a new device, the old ones gone, nobody has to compare anything
    const secret = decodeRecoveryCode(recoveryCode)
    const keys = (generation: number, name: string) => ({
      root: rootSigner(suite, rootSeed(suite, secret, generation), false),
      ops: keySigner(suite, seeded(name)),
      nextRootHash: rootHash(suite, rootSigner(suite, rootSeed(suite, secret, generation + 1), false).root),
    })
    const survivors = { keep: [], device: deviceOf('new phone', flagsOf('steward')), reason: 'lost' as const }
    const back = await recoverAccount(suite, keys(0, 'a').root, keys(1, 'b'), first, survivors, now)
    serve(town, alice, back.manifest.bytes, [first, back.manifest], [back.rotation])
    await carols.identity.refresh(alice)
    const found = await carols.identity.contact(alice)
    const seen = found.devices.map(({ device }) => device).join()
    if (found.state !== 'VERIFIED' || seen !== hex(survivors.device.deviceId))
      throw new Error(`the recovery code does not bring the account back: ${found.state}`)
    // somebody else, without
    const thief = await beginAs(alice, 'thief', now)
    const evil = { root: thief.root, ops: thief.ops, nextRootHash: new Uint8Array(32) }
    const own = { keep: [], device: deviceOf('thief', flagsOf('steward')), reason: 'lost' as const }
    const reset = await resetAccount(suite, evil, first, own, now)
    serve(town, alice, reset.manifest.bytes, [first, reset.manifest], [reset.rotation])
    await bobs.identity.refresh(alice)
    const { state, sending } = await bobs.identity.contact(alice)
    const by = await alarmOf(bobs, alice)
    town.stop()
    return verdict(state === 'VERIFIED' && sending === 'send', 'a reset counts as the word of the owner', by)
  },
}

/** 20: a service that lets a key of the account sign what it sends gets the bytes of a manifest signed. */
const signingOracle: Attack = {
  id: '20',
  name: 'a login challenge without a label signs what the server chooses',
  stoppedBy: 'identity/signature I010',
  async run() {
    const { town, loot, first, bob: phone } = await aliceAndBob('oracle')
    // the flawed protocol: the key signs the nonce as it comes
    const challenge = async (nonce: Uint8Array): Promise<Uint8Array> => loot.ops.sign(nonce)
    const ghost = deviceOf('ghost')
    const entry = { ...first.devices[0]!, deviceId: ghost.deviceId, leafKeys: ghost.leafKeys }
    const content = { ...followingContent(first, first.issuedAt + 60n), devices: [...first.devices, entry] }
    const opsSignature = Uint8Array.from(await challenge(encode(ManifestTbs, content)))
    serve(town, alice, encode(Manifest, { ...content, signer: 'ops', opsSignature }), [first])
    const error = await refusal(() => phone.identity.refresh(alice))
    const listed = (await devicesSeen(phone, alice)).includes(hex(ghost.deviceId))
    town.stop()
    return verdict(listed, 'the answer to a challenge counts as a list of devices', error ?? 'nothing')
  },
}

/** 11b: the id of a device that was removed, with another key. */
const usedDeviceId: Attack = {
  id: '11b',
  name: 'the id of a removed device is listed again',
  stoppedBy: 'identity/contents I018',
  async run() {
    const { town, loot, first, bob: phone } = await aliceAndBob('used id')
    const tablet = deviceOf('tablet')
    const second = await nextBy(loot, first, [{ kind: 'add_device', device: tablet, probation: false }])
    const { deviceId } = tablet
    const third = await nextBy(loot, second, [{ kind: 'remove_device', deviceId, reason: 'lost' }])
    const entry = { ...second.devices[1]!, leafKeys: [deviceOf('thief').leafKeys[0]!] }
    const content = followingContent(third, third.issuedAt + 60n)
    const error = await refusal(async () => {
      const fourth = await signManifest(
        suite,
        { kind: 'ops', ops: loot.ops },
        { ...content, devices: [...content.devices, entry] },
      )
      serve(town, alice, fourth.bytes, [first, second, third, fourth])
      await phone.identity.refresh(alice)
    })
    const listed = (await devicesSeen(phone, alice)).includes(hex(deviceId))
    town.stop()
    return verdict(listed, 'another key stands under the id of the removed device', error ?? 'nothing')
  },
}

export const ownerAttacks: readonly Attack[] = [
  usedDeviceId,
  stolenSteward,
  probation,
  silentAddition,
  stolenRoot,
  allLost,
  signingOracle,
]
