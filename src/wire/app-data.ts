/**
 * Application data in the objects of MLS (draft-ietf-mls-extensions, "Attaching Application Data to MLS Messages"): a
 * dictionary of components in leaves, KeyPackages and the GroupContext, and data that is attached to one commit.
 *
 * Groups with members that do not know the draft's extension type carry the same dictionary under a private one: see
 * {@link dictionaryTypes}. An object has one of the two at most.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { check, MlsError } from '../bytes/errors.ts'
import { type Codec, checked, decode, encode, type Infer, opaque, struct, uint16, vec } from '../codec/codec.ts'
import { type Extension, setExtension } from './extension.ts'
import { wireLimits } from './limits.ts'
import { extensionTypes } from './registries.ts'

/** Components that the draft names, and private ones of this package (0x8000 and above). */
export const componentIds = {
  /** Components that a leaf supports. */
  appComponents: 0x0001,
  /** The certificate of a leaf. */
  deviceCert: 0x8a01,
  /** The identity policy of a group. */
  identityPolicy: 0x8a02,
  /** Rotations of accounts' roots that a group has taken note of. */
  rotations: 0x8a03,
  /** The epoch in which a leaf got its certificate. */
  certificateEpoch: 0x8a04,
  /** Who may do what in a group. */
  roles: 0x8a05,
  /** Evidence that a commit carries for the Removes in it. */
  evidence: 0x8a06,
  /** Merkle root over the heads of manifests that the committer knows. */
  headsRoot: 0x8a07,
} as const

/** The extension types under which a dictionary travels: that of the draft, and a private one. */
export const dictionaryTypes: readonly number[] = [extensionTypes.appDataDictionary, extensionTypes.privateDictionary]

/** One component's data. */
export const ComponentData = struct({ componentId: uint16, data: opaque })
export type ComponentData = Infer<typeof ComponentData>

/** The content of the `app_data_dictionary` extension: sorted by component, each once. @throws `codec/value` */
export const AppDataDictionary: Codec<readonly ComponentData[]> = checked(
  vec(ComponentData, wireLimits.components),
  (list) => {
    for (const [i, { componentId }] of list.entries()) {
      const before = list[i - 1]
      check(
        before === undefined || before.componentId < componentId,
        'codec/value',
        undefined,
        'a dictionary of components that is not sorted',
      )
    }
  },
)

/** A list of components, for `app_components`. */
export const ComponentsList: Codec<readonly number[]> = vec(uint16, wireLimits.components)

/** The content of a proposal of type `app_ephemeral`: data for one commit, without a lasting effect. */
export const AppEphemeral = struct({ componentId: uint16, data: opaque })
export type AppEphemeral = Infer<typeof AppEphemeral>

/**
 * The data of a component in a list of extensions; `undefined` when it has none.
 * @throws `codec/value` for two dictionaries; kind `malformed` for one that is none
 */
export function readComponent(extensions: readonly Extension[], componentId: number): Bytes | undefined {
  const dictionary = dictionaryOf(extensions)
  if (dictionary === undefined) return undefined
  const list = decode(AppDataDictionary, dictionary.extensionData)
  return list.find((one) => one.componentId === componentId)?.data
}

/** The list with components set, or taken out where the value is `undefined`. A new dictionary has the type `type`. */
export function setComponents(
  extensions: readonly Extension[],
  changes: ReadonlyMap<number, Uint8Array | undefined>,
  type: number = extensionTypes.appDataDictionary,
): readonly Extension[] {
  const dictionary = dictionaryOf(extensions)
  const list = dictionary === undefined ? [] : decode(AppDataDictionary, dictionary.extensionData)
  const next = new Map<number, Uint8Array>(list.map(({ componentId, data }) => [componentId, data]))
  for (const [componentId, data] of changes)
    if (data === undefined) next.delete(componentId)
    else next.set(componentId, data)
  const sorted = [...next]
    .sort(([a], [b]) => a - b)
    .map(([componentId, data]): ComponentData => ({ componentId, data: Uint8Array.from(data) }))
  return setExtension(extensions, dictionary?.extensionType ?? type, AppDataDictionary, sorted)
}

/** The encoded content of an AppEphemeral. */
export function encodeAppEphemeral(componentId: number, data: Uint8Array): Bytes {
  return encode(AppEphemeral, { componentId, data: Uint8Array.from(data) })
}

function dictionaryOf(extensions: readonly Extension[]): Extension | undefined {
  const [found, second] = extensions.filter(({ extensionType }) => dictionaryTypes.includes(extensionType))
  if (second !== undefined) throw new MlsError('codec/value', 'two dictionaries of components')
  return found
}
