/** KeyPackages: the own ones in their node, and those of others whom we invite. */
import type { Bytes } from '../../bytes/bytes.ts'
import { MlsError } from '../../bytes/errors.ts'
import { mapKey, toHex } from '../../bytes/text.ts'
import { decode } from '../../codec/codec.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import {
  StoredKeyPackage as BundleCodec,
  encodeKeyPackageBundle,
  type KeyPackageBundle,
  makeKeyPackage,
} from '../../group/key-package.ts'
import { keyPackageReference } from '../../group/key-package-reference.ts'
import { decodeMlsMessage } from '../../wire/mls-message.ts'
import { fetchPep } from '../pep/pep-fetch.ts'
import { PepPublisher } from '../pep/pep-publisher.ts'
import type { XmppContext } from '../port.ts'
import type { ClientSettings } from './client-options.ts'
import { ownLeafExtensions, roomCapabilities } from './engine/groups.ts'
import type { EngineContext } from './engine/state.ts'
import { deviceOf } from './identity.ts'
import type { LeafProvider } from './leaf-provider.ts'
import type { RoomIdentity } from './room-identity.ts'
import type { ClientStore, StoredKeyPackage } from './store.ts'
import { buildKeyPackages, parseKeyPackages } from './wire/key-packages.ts'
import { keyPackagesNode } from './wire/namespace.ts'

/** Private keys of a used package are kept for a day: two people may have taken the same one. */
const graceMs = 24 * 60 * 60 * 1000
/** A package is replaced this long before it expires. */
const renewMs = 7 * 24 * 60 * 60 * 1000

/** What the own device brings. */
export interface KeyPackageOwner {
  readonly suite: CipherSuite
  readonly identity: EngineContext['identity']
  readonly account: string
  readonly device: string
  readonly leaf?: LeafProvider | undefined
  readonly guard?: RoomIdentity | undefined
}

/** The packages of one device of somebody, as found and checked. */
export interface DeviceKeyPackages {
  readonly device: string
  readonly oneTime: readonly Bytes[]
  readonly lastResort: Bytes | undefined
}

/** See the file. */
export class KeyPackages {
  readonly #context: XmppContext
  readonly #owner: KeyPackageOwner
  readonly #store: ClientStore
  readonly #settings: ClientSettings
  readonly #publisher: PepPublisher
  #own = new Map<string, { readonly reference: Bytes; readonly stored: StoredKeyPackage }>()
  #work: Promise<void> = Promise.resolve()

  constructor(context: XmppContext, owner: KeyPackageOwner, store: ClientStore, settings: ClientSettings) {
    this.#context = context
    this.#owner = owner
    this.#store = store
    this.#settings = settings
    this.#publisher = new PepPublisher(context.port)
  }

  /** Reads the own packages from the storage. */
  async load(): Promise<void> {
    for (const one of await this.#store.keyPackages()) this.#own.set(mapKey(one.reference), one)
  }

  /** Makes, renews and publishes what is needed, where the node does not say it already. @throws XmppError, `xmpp/…` */
  refresh(): Promise<void> {
    const next = this.#work.then(() => this.#refresh())
    this.#work = next.catch(() => undefined)
    return next
  }

  async #refresh(): Promise<void> {
    const now = this.#context.timers.now()
    const changes = new Map<Bytes, StoredKeyPackage | undefined>()
    for (const { reference, stored } of this.#own.values()) {
      const over = stored.used === undefined ? stored.expires < now : stored.used + graceMs < now && !stored.lastResort
      if (over) changes.set(reference, undefined)
    }
    const fresh = [...this.#own.values()].filter(
      ({ stored }) => stored.used === undefined && stored.expires - renewMs > now,
    )
    const oneTime = fresh.filter(({ stored }) => !stored.lastResort)
    for (let i = oneTime.length; i < this.#settings.keyPackages; i++) await this.#make(changes, false)
    if (!fresh.some(({ stored }) => stored.lastResort)) await this.#make(changes, true)
    await this.#apply(changes)
    await this.#publish()
  }

  async #make(changes: Map<Bytes, StoredKeyPackage | undefined>, lastResort: boolean): Promise<void> {
    const { suite, identity } = this.#owner
    const { timers } = this.#context
    const lifetimeSeconds = this.#settings.keyPackageSeconds
    const capabilities = roomCapabilities(suite, this.#owner.leaf)
    const leafExtensions = await ownLeafExtensions(this.#owner)
    const input = { suite, identity, clock: timers, capabilities, leafExtensions, lifetimeSeconds, lastResort }
    const bundle = await makeKeyPackage(input)
    changes.set(bundle.reference, {
      message: bundle.message,
      secrets: encodeKeyPackageBundle(bundle),
      lastResort,
      expires: timers.now() + lifetimeSeconds * 1000,
      used: undefined,
    })
  }

  /** Storage first: a package whose keys could be lost is not shown to anybody. */
  async #apply(changes: ReadonlyMap<Bytes, StoredKeyPackage | undefined>): Promise<void> {
    if (changes.size === 0) return
    await this.#store.saveKeyPackages(changes)
    for (const [reference, stored] of changes)
      if (stored === undefined) this.#own.delete(mapKey(reference))
      else this.#own.set(mapKey(reference), { reference, stored })
  }

  async #publish(): Promise<void> {
    const { account, device } = this.#owner
    const now = this.#context.timers.now()
    const fresh = [...this.#own.values()]
      .map(({ stored }) => stored)
      .filter((one) => one.used === undefined && one.expires - renewMs > now)
    const payload = buildKeyPackages({
      device,
      oneTime: fresh.filter(({ lastResort }) => !lastResort).map(({ message }) => message),
      lastResort: fresh.find(({ lastResort }) => lastResort)?.message,
    })
    const there = await fetchPep(this.#context.port, account, keyPackagesNode, { ids: [device] })
    const published = there.kind === 'items' ? there.items.find(({ id }) => id === device)?.payload : undefined
    if (published !== undefined && sameMessages(parseKeyPackages(published), parseKeyPackages(payload))) return
    await this.#publisher.publish({ node: keyPackagesNode, id: device, payload, access: 'open' })
  }

  /** Makes new packages and takes the old ones away: the leaf in them is not what it should be any more. @throws XmppError */
  replace(): Promise<void> {
    const next = this.#work.then(async () => {
      const used = this.#context.timers.now()
      const open = [...this.#own.values()].filter(({ stored }) => stored.used === undefined)
      // a Welcome to one of them may be on its way
      await this.#apply(
        new Map(open.map(({ reference, stored }) => [reference, { ...stored, lastResort: false, used }])),
      )
      await this.#refresh()
    })
    this.#work = next.catch(() => undefined)
    return next
  }

  /** The own package that one of these references names. */
  find(references: readonly Bytes[]): KeyPackageBundle | undefined {
    for (const reference of references) {
      const found = this.#own.get(mapKey(reference))
      if (found !== undefined) return this.#bundle(found)
    }
    return undefined
  }

  #bundle({ reference, stored }: { readonly reference: Bytes; readonly stored: StoredKeyPackage }): KeyPackageBundle {
    const { keyPackage, initKeyPair, encryptionKeyPair } = decode(BundleCodec, stored.secrets)
    const { identity } = this.#owner
    const { message, lastResort } = stored
    // made with an earlier key, perhaps
    const signer = identity.signerOf?.(keyPackage.leafNode.signatureKey) ?? identity.signer
    return { keyPackage, initKeyPair, encryptionKeyPair, signer, message, reference, lastResort }
  }

  /** A Welcome has used a package: it leaves the node, and a new one takes its place. */
  async used(reference: Bytes): Promise<void> {
    const found = this.#own.get(mapKey(reference))
    if (found === undefined || found.stored.lastResort || found.stored.used !== undefined) return
    await this.#apply(new Map([[reference, { ...found.stored, used: this.#context.timers.now() }]]))
    await this.refresh()
  }

  /** Takes the packages of another own device out of the node. @throws XmppError */
  async forget(device: string): Promise<void> {
    await this.#publisher.retract(keyPackagesNode, device)
  }

  /** The devices of an account with the packages that can be used. @throws XmppError, `xmpp/timeout`, `xmpp/offline` */
  async devicesOf(account: string): Promise<readonly DeviceKeyPackages[]> {
    await this.#owner.guard?.prepare?.(account)
    const found = await fetchPep(this.#context.port, account, keyPackagesNode)
    if (found.kind === 'none') return []
    return found.items.flatMap(({ id, payload }) => {
      const item = parseKeyPackages(payload)
      // S08: what the item says of itself counts, and the packages must say the same
      if (item === undefined || item.device !== id) return []
      const usable = (message: Bytes): boolean => this.#isUsable(message, account, item.device)
      const oneTime = item.oneTime.filter(usable)
      const lastResort = item.lastResort !== undefined && usable(item.lastResort) ? item.lastResort : undefined
      return oneTime.length === 0 && lastResort === undefined ? [] : [{ device: item.device, oneTime, lastResort }]
    })
  }

  /**
   * One package of each device of an account, chosen at random.
   * @throws `xmpp/no_devices` when there is none; XmppError, `xmpp/timeout`, `xmpp/offline`
   */
  async choose(account: string): Promise<readonly Bytes[]> {
    const { random } = this.#context
    const chosen = (await this.devicesOf(account)).flatMap(({ device, oneTime, lastResort }) => {
      if (account === this.#owner.account && device === this.#owner.device) return []
      const [a = 0, b = 0] = random.randomBytes(2)
      return oneTime[(a * 256 + b) % Math.max(1, oneTime.length)] ?? lastResort ?? []
    })
    if (chosen.length === 0) throw new MlsError('xmpp/no_devices', 'the account has no device that could be added')
    return chosen
  }

  #isUsable(message: Bytes, account: string, device: string): boolean {
    const { suite } = this.#owner
    try {
      const decoded = decodeMlsMessage(message)
      if (decoded.wireFormat !== 'mls_key_package') return false
      const { keyPackage } = decoded
      const name = deviceOf(keyPackage.leafNode.credential)
      if (name?.account !== account || name.device !== device) return false
      if (this.#owner.guard?.admits?.(account, device, keyPackage.leafNode) === false) return false
      if (keyPackage.cipherSuite !== suite.parameters.id || keyPackage.leafNode.leafNodeSource !== 'key_package')
        return false
      const now = BigInt(Math.floor(this.#context.timers.now() / 1000))
      const { notBefore, notAfter } = keyPackage.leafNode.lifetime
      return notBefore <= now && now <= notAfter && keyPackageReference(suite, message).length > 0
    } catch {
      return false
    }
  }
}

function sameMessages(a: ReturnType<typeof parseKeyPackages>, b: ReturnType<typeof parseKeyPackages>): boolean {
  const list = (value: typeof a): string =>
    [...(value?.oneTime ?? []), ...(value?.lastResort === undefined ? [] : [value.lastResort])]
      .map((one) => toHex(one))
      .sort()
      .join()
  return list(a) === list(b)
}
