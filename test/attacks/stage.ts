/** People with identity clients on the embedded service, and the hands of a malicious server and of thieves. */
import { utf8 } from '../../src/bytes/text.ts'
import { encode } from '../../src/codec/codec.ts'
import { createAccount, nextManifest } from '../../src/identity/account.ts'
import type { ManifestChange, NewDevice } from '../../src/identity/account-changes.ts'
import { advance } from '../../src/identity/contact.ts'
import { encodePin } from '../../src/identity/contact-pin.ts'
import { unknownContact } from '../../src/identity/contact-state.ts'
import { flagsOf } from '../../src/identity/device-entry.ts'
import type { VerifiedManifest } from '../../src/identity/manifest.ts'
import { type RootSigner, rootHash, rootSigner } from '../../src/identity/root-keys.ts'
import { RotationStatement } from '../../src/identity/rotation.ts'
import { keySigner, type SyncSigner } from '../../src/signed/signer.ts'
import { MemoryMedium, openMemoryStorage } from '../../src/storage/memory.ts'
import { IdentityStore } from '../../src/xmpp/identity/store.ts'
import { buildBytes, currentItem, identityNodes, logItemId, rotationItemId } from '../../src/xmpp/identity/wire.ts'
import type { XmlElement } from '../../src/xmpp/stanza/element.ts'
import { seeded, suite } from '../identity/fixture.ts'
import { type Phone, Town } from '../xmpp/identity/town.ts'
import { seededRandom } from '../xmpp/mls/seeded.ts'

export { type Phone, seeded, suite, Town }

export const alice = 'alice@a.test'
export const bob = 'bob@a.test'

/** Time of a town, in seconds since the Unix epoch. */
export const secondsIn = (town: Town): bigint => BigInt(Math.floor(town.service.clock.now() / 1000))

/** What is found on an unlocked steward device. */
export interface Loot {
  readonly root: RootSigner
  readonly ops: SyncSigner
  readonly manifest: VerifiedManifest
  readonly deviceId: Uint8Array
}

/** Everything that an unlocked device holds of its identity. */
export async function lootOf({ storage, identity }: Phone): Promise<Loot> {
  const own = await new IdentityStore(storage, suite).own()
  if (own?.rootSeed === undefined || own.ops === undefined || own.manifest === undefined) throw new Error('no steward')
  const { verifyManifest } = await import('../../src/identity/manifest.ts')
  return {
    root: rootSigner(suite, own.rootSeed, own.hybrid),
    ops: keySigner(suite, own.ops),
    manifest: verifyManifest(suite, own.manifest),
    deviceId: Uint8Array.from(Buffer.from(identity.status.device, 'hex')),
  }
}

/** A device of the name, as it would be listed. */
export function deviceOf(name: string, flags = 0): NewDevice & { readonly key: SyncSigner } {
  const key = keySigner(suite, seeded(`${name} key`))
  return {
    deviceId: seeded(`${name} id`, 16),
    leafKeys: [Uint8Array.from(key.publicKey)],
    flags,
    encLabel: new Uint8Array(0),
    key,
  }
}

/** The manifest after `last`, signed with OPS as the device of the loot. */
export async function nextBy(
  { ops, deviceId }: Pick<Loot, 'ops' | 'deviceId'>,
  last: VerifiedManifest,
  changes: readonly ManifestChange[],
): Promise<VerifiedManifest> {
  return (await nextManifest(suite, { kind: 'ops', ops, by: deviceId }, last, changes, last.issuedAt + 60n)).manifest
}

/** The first manifest of somebody who calls himself `account`. */
export async function beginAs(account: string, name: string, now: bigint): Promise<Loot> {
  const root = rootSigner(suite, seeded(`${name} root`), false)
  const next = rootSigner(suite, seeded(`${name} next`), false)
  const ops = keySigner(suite, seeded(`${name} ops`))
  const device = deviceOf(name, flagsOf('steward'))
  const keys = { root, ops, nextRootHash: rootHash(suite, next.root) }
  const { manifest } = await createAccount(suite, utf8(account), keys, device, now)
  return { root, ops, manifest, deviceId: device.deviceId }
}

/** What a server makes of the nodes of an account: whatever it likes. */
export function serve(
  town: Town,
  account: string,
  current: Uint8Array,
  log: readonly VerifiedManifest[] = [],
  rotations: readonly RotationStatement[] = [],
): void {
  put(town, account, identityNodes.manifest, currentItem, buildBytes('manifest', current))
  const { pep } = town.service.site(account).account(account)
  const items = pep.nodes.get(identityNodes.log)?.items ?? new Map<string, XmlElement>()
  for (const id of [...items.keys()]) items.delete(id)
  for (const statement of rotations) {
    const bytes = encode(RotationStatement, statement)
    const id = rotationItemId(statement.newGeneration, suite.hash(bytes))
    put(town, account, identityNodes.log, id, buildBytes('rotation', bytes))
  }
  for (const one of log) put(town, account, identityNodes.log, logItemId(one), buildBytes('manifest', one.bytes))
}

/** Puts an item into an open node. */
export function put(town: Town, account: string, node: string, id: string, payload: XmlElement): void {
  town.service.forgeItem(account, node, id, payload)
  const config = town.service.site(account).account(account).pep.nodes.get(node)?.config
  config?.set('pubsub#access_model', 'open')
  config?.set('pubsub#max_items', '1000')
}

/** A phone whose owner has compared the root of somebody, or followed a link that names it. */
export async function phoneThatKnows(
  town: Town,
  jid: string,
  known: { readonly account: string; readonly rootHash: Uint8Array; readonly by: 'verified' | 'invited' },
): Promise<Phone> {
  const medium = new MemoryMedium()
  const random = seededRandom(`pins of ${jid}`)
  const storage = await openMemoryStorage({ medium, randomBytes: (length) => random.randomBytes(length) })
  const seen = { kind: known.by, rootHash: known.rootHash } as const
  const { pin } = advance(suite, unknownContact(utf8(known.account)), seen, secondsIn(town))
  await new IdentityStore(storage, suite).savePin({
    account: known.account,
    pin: encodePin(pin),
    rotations: [],
    readAt: 0,
  })
  await storage.close()
  return town.phone(jid, { medium })
}

/** Alice, who has made her identity and is offline, and Bob, who has compared it. */
export async function aliceAndBob(
  name: string,
): Promise<{ town: Town; loot: Loot; first: VerifiedManifest; bob: Phone }> {
  const town = new Town(name)
  const phone = await town.phone(`${alice}/phone`)
  await phone.identity.create()
  const loot = await lootOf(phone)
  await phone.close()
  const knows = { account: alice, rootHash: loot.manifest.rootHash, by: 'verified' } as const
  const bobs = await phoneThatKnows(town, `${bob}/phone`, knows)
  await bobs.identity.contact(alice)
  return { town, loot, first: loot.manifest, bob: bobs }
}

/** The ids of the devices that a phone shows for a contact. */
export async function devicesSeen({ identity }: Phone, account: string): Promise<readonly string[]> {
  return (await identity.contact(account)).devices.map(({ device }) => device)
}

export const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** The kinds of what a phone found that is not silent, with the state that it shows. */
export async function alarmOf(phone: Phone, account: string): Promise<string> {
  const { state } = await phone.identity.contact(account)
  const loud = phone.findings.filter(({ loudness }) => loudness === 'warning' || loudness === 'alarm')
  return `${loud.map(({ finding }) => finding.kind).at(-1) ?? 'nothing'}, shown as ${state}`
}
