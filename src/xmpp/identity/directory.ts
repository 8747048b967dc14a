/** The nodes of identities: reading anybody's, writing the own ones. */
import { type Bytes, equalBytes } from '../../bytes/bytes.ts'
import { toHex } from '../../bytes/text.ts'
import type { CipherSuite } from '../../crypto/cipher-suite.ts'
import { identityLimits } from '../../identity/limits.ts'
import type { VerifiedManifest } from '../../identity/manifest.ts'
import { keyPackagesNode } from '../mls/wire/namespace.ts'
import { fetchPep } from '../pep/pep-fetch.ts'
import { PepPublisher } from '../pep/pep-publisher.ts'
import type { XmppPort } from '../port.ts'
import type { XmlElement } from '../stanza/element.ts'
import type { PubsubItem } from '../xep/xep-0060.ts'
import {
  buildBytes,
  buildCertificates,
  currentItem,
  identityNodes,
  logItemId,
  parseBytes,
  parseCertificates,
  rotationItemId,
} from './wire.ts'

/** What the nodes of an account hold, as bytes; nothing of it is verified. */
export interface ShownIdentity {
  readonly current: Bytes | undefined
  readonly manifests: readonly Bytes[]
  readonly rotations: readonly Bytes[]
}

/** Newest items of a log that are asked for. */
const logItems = identityLimits.walkSteps - 1
/** How often log and current manifest are read until they fit. */
const maxReads = 3

const isLogged = ({ current, manifests }: ShownIdentity): boolean =>
  current === undefined || manifests.some((one) => equalBytes(one, current))

/** See the file. */
export class Directory {
  readonly #port: XmppPort
  readonly #suite: CipherSuite
  readonly #publisher: PepPublisher

  /** @param suite cipher suite 1 */
  constructor(port: XmppPort, suite: CipherSuite) {
    this.#port = port
    this.#suite = suite
    this.#publisher = new PepPublisher(port)
  }

  /** The current manifest of an account. @throws XmppError, `xmpp/timeout`, `xmpp/offline` */
  async current(account: string): Promise<Bytes | undefined> {
    const [item] = await this.#items(account, identityNodes.manifest, { ids: [currentItem] })
    return parseBytes('manifest', item?.payload)
  }

  /** Current manifest and log of an account. @throws XmppError, `xmpp/timeout`, `xmpp/offline` */
  async read(account: string): Promise<ShownIdentity> {
    let shown = await this.#readOnce(account)
    // published between the two requests: the way to it, a rotation perhaps, is in the log by now
    for (let i = 1; i < maxReads && !isLogged(shown); i++) shown = await this.#readOnce(account)
    return shown
  }

  async #readOnce(account: string): Promise<ShownIdentity> {
    // the log first: what is published between the two requests is then missing in the log and not in `current`
    const log = await this.#items(account, identityNodes.log, { max: logItems })
    const payloads = log.slice(-logItems).map(({ payload }) => payload)
    const all = (name: 'manifest' | 'rotation') => payloads.flatMap((payload) => parseBytes(name, payload) ?? [])
    return { manifests: all('manifest'), rotations: all('rotation'), current: await this.current(account) }
  }

  async #items(
    account: string,
    node: string,
    wanted: { readonly max?: number; readonly ids?: readonly string[] },
  ): Promise<readonly PubsubItem[]> {
    const found = await fetchPep(this.#port, account, node, wanted)
    return found.kind === 'items' ? found.items : []
  }

  /** Adds a manifest to the own log. @throws `xmpp/access_model`, `xmpp/too_large`, XmppError */
  async logManifest(manifest: VerifiedManifest): Promise<void> {
    await this.#publish(identityNodes.log, logItemId(manifest), buildBytes('manifest', manifest.bytes))
  }

  /** Adds a rotation statement to the own log. @throws as {@link logManifest} */
  async logRotation(generation: number, statement: Uint8Array): Promise<void> {
    const id = rotationItemId(generation, this.#suite.hash(statement))
    await this.#publish(identityNodes.log, id, buildBytes('rotation', statement))
  }

  /** Makes a manifest the current one. @throws as {@link logManifest} */
  async publishCurrent(manifest: VerifiedManifest): Promise<void> {
    await this.#publish(identityNodes.manifest, currentItem, buildBytes('manifest', manifest.bytes))
  }

  /** Certificates of a device of an account, encoded. @throws XmppError, `xmpp/timeout`, `xmpp/offline` */
  async certificates(account: string, deviceId: Uint8Array): Promise<readonly Bytes[]> {
    const [item] = await this.#items(account, identityNodes.certificates, { ids: [toHex(deviceId)] })
    return parseCertificates(item?.payload)
  }

  /** Publishes the certificates of a device of the own account. @throws as {@link logManifest} */
  async publishCertificates(deviceId: Uint8Array, certificates: readonly Uint8Array[]): Promise<void> {
    await this.#publish(identityNodes.certificates, toHex(deviceId), buildCertificates(certificates))
  }

  /** Takes the certificates of a device away. @throws XmppError */
  async dropCertificates(deviceId: Uint8Array): Promise<void> {
    await this.#publisher.retract(identityNodes.certificates, toHex(deviceId))
  }

  /** The own sealed backup. @throws XmppError, `xmpp/timeout`, `xmpp/offline` */
  async backup(account: string): Promise<Bytes | undefined> {
    const [item] = await this.#items(account, identityNodes.backup, { ids: [currentItem] })
    return parseBytes('backup', item?.payload)
  }

  /** Stores the sealed backup, where nobody else can read it. @throws as {@link logManifest} */
  async publishBackup(bytes: Uint8Array): Promise<void> {
    const payload = buildBytes('backup', bytes)
    await this.#publisher.publish({ node: identityNodes.backup, id: currentItem, payload, access: 'whitelist' })
  }

  /** What a steward sealed to a new device. @throws XmppError, `xmpp/timeout`, `xmpp/offline` */
  async link(account: string, deviceId: Uint8Array): Promise<Bytes | undefined> {
    const [item] = await this.#items(account, identityNodes.links, { ids: [toHex(deviceId)] })
    return parseBytes('link', item?.payload)
  }

  /** Leaves what is sealed to a new device of the account. @throws as {@link logManifest} */
  async publishLink(deviceId: Uint8Array, sealed: Uint8Array): Promise<void> {
    const payload = buildBytes('link', sealed)
    await this.#publisher.publish({ node: identityNodes.links, id: toHex(deviceId), payload, access: 'whitelist' })
  }

  /** Takes it away. @throws XmppError */
  async dropLink(deviceId: Uint8Array): Promise<void> {
    await this.#publisher.retract(identityNodes.links, toHex(deviceId))
  }

  /** Takes away what others would add a removed device with. @throws XmppError */
  async dropDevice(deviceId: Uint8Array): Promise<void> {
    await this.#publisher.retract(keyPackagesNode, toHex(deviceId))
    await this.dropCertificates(deviceId)
  }

  /** Takes manifests out of the log. @throws XmppError */
  async prune(manifests: readonly VerifiedManifest[]): Promise<void> {
    await this.#publisher.retract(identityNodes.log, ...manifests.map(logItemId))
  }

  #publish(node: string, id: string, payload: XmlElement): Promise<void> {
    return this.#publisher.publish({ node, id, payload, access: 'open' })
  }
}
