import { tag, type XmlElement } from '../../stanza/element.ts'
import { mlsNamespace } from './namespace.ts'
import { isToken } from './payload.ts'

/** A question of somebody outside the group to its members. `state`: GroupInfo and tree, to join by external commit. */
export interface MlsRequest {
  readonly id: string
  readonly what: 'state'
  /** The device that asks: 32 lower-case hexadecimal digits. */
  readonly device: string
}

const build = tag(mlsNamespace)

/** The `request` element. */
export function buildRequest({ id, what, device }: MlsRequest): XmlElement {
  return build('request', { id, what, device })
}

/** The request; `undefined` for any other element. */
export function parseRequest(source: XmlElement | undefined): MlsRequest | undefined {
  if (source?.name !== 'request' || source.ns !== mlsNamespace) return undefined
  const { id, what, device } = { id: source.attrs['id'], what: source.attrs['what'], device: source.attrs['device'] }
  if (!isToken(id) || what !== 'state') return undefined
  if (device === undefined || !/^[0-9a-f]{32}$/.test(device)) return undefined
  return { id, what, device }
}
