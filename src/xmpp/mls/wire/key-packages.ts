import type { Bytes } from '../../../bytes/bytes.ts'
import { toBase64 } from '../../../bytes/text.ts'
import { child, childrenOf, tag, textOf, type XmlElement } from '../../stanza/element.ts'
import { mlsNamespace } from './namespace.ts'
import { base64 } from './payload.ts'

/** The KeyPackages of one device, each an MLSMessage. */
export interface PublishedKeyPackages {
  /** Device id: 32 lower-case hexadecimal digits; also the item's id. */
  readonly device: string
  readonly oneTime: readonly Bytes[]
  readonly lastResort: Bytes | undefined
}

/** How many packages of a device are looked at. */
const maxPackages = 256
const build = tag(mlsNamespace)

/** The `keypackages` element: payload of an item of the node. */
export function buildKeyPackages({ device, oneTime, lastResort }: PublishedKeyPackages): XmlElement {
  return build(
    'keypackages',
    { device },
    ...oneTime.map((message) => build('package', {}, toBase64(message))),
    lastResort === undefined ? undefined : build('last-resort', {}, toBase64(lastResort)),
  )
}

/** The KeyPackages; `undefined` for any other element. Packages that are no base64 are left out. */
export function parseKeyPackages(source: XmlElement | undefined): PublishedKeyPackages | undefined {
  if (source?.name !== 'keypackages' || source.ns !== mlsNamespace) return undefined
  const device = source.attrs['device']
  if (device === undefined || !/^[0-9a-f]{32}$/.test(device)) return undefined
  const packages = childrenOf(source, 'package').slice(0, maxPackages)
  const last = child(source, 'last-resort')
  return {
    device,
    oneTime: packages.flatMap((node) => base64(textOf(node)) ?? []),
    lastResort: last === undefined ? undefined : base64(textOf(last)),
  }
}
