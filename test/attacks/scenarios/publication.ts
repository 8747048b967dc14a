/** Attacks on what the server shows of an account: lists of devices, roots, histories. */
import { encode } from '../../../src/codec/codec.ts'
import { Manifest, signManifest } from '../../../src/identity/manifest.ts'
import { type RotationStatement, signRotation } from '../../../src/identity/rotation.ts'
import { type Attack, refusal, verdict } from '../attack.ts'
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
  serve,
  suite,
  Town,
} from '../stage.ts'

const day = 24 * 60 * 60 * 1000

/** 1: the list of devices with one more, under the signature that it had. */
const ghostDevice: Attack = {
  id: '1',
  name: 'the server adds a ghost device to the list',
  stoppedBy: 'identity/signature I010',
  async run() {
    const { town, first, bob: phone } = await aliceAndBob('ghost')
    const ghost = deviceOf('ghost')
    const entry = { ...first.devices[0]!, deviceId: ghost.deviceId, leafKeys: ghost.leafKeys, flags: 0 }
    const forged = { ...first, seq: first.seq + 1n, prevHash: first.hash, devices: [...first.devices, entry] }
    serve(town, alice, encode(Manifest, forged), [first])
    const error = await refusal(() => phone.identity.refresh(alice))
    const listed = (await devicesSeen(phone, alice)).includes(hex(ghost.deviceId))
    town.stop()
    return verdict(listed, 'the ghost is listed as a device of the contact', error ?? 'nothing')
  },
}

/** 2: a whole account of the server's own making, before the first look. */
const swappedRoot: Attack = {
  id: '2',
  name: 'the server swaps the whole root at first contact',
  stoppedBy: 'changed, shown as CHANGED',
  async run() {
    const town = new Town('swap')
    const phone = await town.phone(`${alice}/phone`)
    await phone.identity.create()
    const { manifest } = await lootOf(phone)
    await phone.close()
    const evil = await beginAs(alice, 'evil', secondsIn(town))
    serve(town, alice, evil.manifest.bytes, [evil.manifest])
    // Bob has followed a link that names the true root
    const bobs = await phoneThatKnows(town, `${bob}/phone`, {
      account: alice,
      rootHash: manifest.rootHash,
      by: 'invited',
    })
    const seen = await bobs.identity.contact(alice)
    const by = await alarmOf(bobs, alice)
    town.stop()
    const fooled = seen.sending === 'send' && seen.devices.some(({ device }) => device === hex(evil.deviceId))
    return verdict(fooled, 'messages go out to the root of the server', by)
  },
}

/** 3: an old list, on which a lost device still stands. */
const rollback: Attack = {
  id: '3',
  name: 'the server shows an old list again',
  stoppedBy: 'rollback, shown as ROLLBACK',
  async run() {
    const { town, loot, first, bob: phone } = await aliceAndBob('rollback')
    const tablet = deviceOf('tablet')
    const second = await nextBy(loot, first, [{ kind: 'add_device', device: tablet, probation: false }])
    const { deviceId } = tablet
    const third = await nextBy(loot, second, [{ kind: 'remove_device', deviceId, reason: 'lost' }])
    serve(town, alice, third.bytes, [first, second, third])
    await phone.identity.refresh(alice)
    serve(town, alice, second.bytes, [first, second])
    await phone.identity.refresh(alice)
    const { state, sending } = await phone.identity.contact(alice)
    const back = (await devicesSeen(phone, alice)).includes(hex(deviceId))
    const by = await alarmOf(phone, alice)
    town.stop()
    return verdict(back && state !== 'ROLLBACK' && sending === 'send', 'the lost device is listed again', by)
  },
}

/** 4: nothing new ever arrives. */
const freeze: Attack = {
  id: '4',
  name: 'the server freezes what it shows',
  stoppedBy: 'STALE',
  async run() {
    const { town, bob: phone } = await aliceAndBob('freeze')
    await town.wait(31 * day)
    const { state, sending } = await phone.identity.contact(alice)
    town.stop()
    return verdict(sending === 'send', 'a list of a month ago is taken for today’s', `${state}, ${sending}`)
  },
}

/** 26: the address belongs to somebody else now. */
const newOwner: Attack = {
  id: '26',
  name: 'the address is deleted and registered by somebody else',
  stoppedBy: 'changed, shown as CHANGED',
  async run() {
    const { town, bob: phone } = await aliceAndBob('new owner')
    const heir = await beginAs(alice, 'heir', secondsIn(town))
    serve(town, alice, heir.manifest.bytes, [heir.manifest])
    await phone.identity.refresh(alice)
    const seen = await phone.identity.contact(alice)
    const by = await alarmOf(phone, alice)
    town.stop()
    const heard = seen.sending === 'send' && seen.devices.some(({ device }) => device === hex(heir.deviceId))
    return verdict(heard, 'the new owner of the address passes for the old one', by)
  },
}

/** 27: another server answers for the domain, with a history that leads to its own root. */
const hijackedDomain: Attack = {
  id: '27',
  name: 'the domain is hijacked, with a forged rotation',
  stoppedBy: 'changed, shown as CHANGED',
  async run() {
    const { town, first, bob: phone } = await aliceAndBob('hijack')
    const now = secondsIn(town)
    const evil = await beginAs(alice, 'evil', now)
    const content = {
      account: first.account,
      oldGeneration: 0,
      oldRootHash: first.rootHash,
      newGeneration: 1,
      lastSeq: first.seq,
      lastHash: first.hash,
    }
    const { newSignature, newRoot } = await signRotation(suite, { old: undefined, next: evil.root }, content)
    const statement: RotationStatement = { ...content, newRoot, newSignature, oldSignature: newSignature }
    const begin = { ...evil.manifest, generation: 1, seq: first.seq + 1n, prevHash: first.hash, ops: undefined }
    const next = await signManifest(
      suite,
      { kind: 'root', root: evil.root },
      {
        ...begin,
        devices: [...first.devices, ...begin.devices],
      },
    )
    serve(town, alice, next.bytes, [first, next], [statement])
    await phone.identity.refresh(alice)
    const seen = await phone.identity.contact(alice)
    const by = await alarmOf(phone, alice)
    town.stop()
    const heard = seen.state === 'VERIFIED' && seen.devices.some(({ device }) => device === hex(evil.deviceId))
    return verdict(heard, 'the root of the hijacker counts as verified', by)
  },
}

export const publicationAttacks: readonly Attack[] = [
  ghostDevice,
  swappedRoot,
  rollback,
  freeze,
  newOwner,
  hijackedDomain,
]
