import { MlsError } from '../bytes/errors.ts'
import { type Codec, decode, encode, type Infer, opaque, struct, uint16, vec } from '../codec/codec.ts'
import { Credential } from './credential.ts'
import { wireLimits } from './limits.ts'

/** RFC 9420 §13. `extensionData` is the encoding that the type defines. */
export const Extension = struct({ extensionType: uint16, extensionData: opaque })
export type Extension = Infer<typeof Extension>

const extensionList = vec(Extension, wireLimits.extensions)
/** A list of extensions; rules on duplicates and containers are checked by the validators of each container. */
export const Extensions: Codec<readonly Extension[]> = {
  ...extensionList,
  write(writer, list) {
    // a ratchet tree is not moved when the length of all is known
    const isLong = list.some(({ extensionData }) => extensionData.length >= 0x4000)
    writer.vector(
      () => {
        for (const extension of list) Extension.write(writer, extension)
      },
      isLong ? 4 : 1,
    )
  },
}

/** RFC 9420 §11.1: what every member must support, beyond the default types. */
export const RequiredCapabilities = struct({
  extensionTypes: vec(uint16, wireLimits.capabilities),
  proposalTypes: vec(uint16, wireLimits.capabilities),
  credentialTypes: vec(uint16, wireLimits.capabilities),
})
export type RequiredCapabilities = Infer<typeof RequiredCapabilities>

/** RFC 9420 §12.4.3.2: the public key that an external joiner encapsulates to. */
export const ExternalPub = struct({ externalPub: opaque })
export type ExternalPub = Infer<typeof ExternalPub>

/** RFC 9420 §12.1.8.1: a sender outside the group. */
export const ExternalSender = struct({ signatureKey: opaque, credential: Credential })
export type ExternalSender = Infer<typeof ExternalSender>

/** RFC 9420 §12.1.8.1: the list in the GroupContext. */
export const ExternalSenders: Codec<readonly ExternalSender[]> = vec(ExternalSender, wireLimits.externalSenders)

/** The extension of a type, if the list has it. */
export function findExtension(extensions: readonly Extension[], extensionType: number): Extension | undefined {
  return extensions.find((extension) => extension.extensionType === extensionType)
}

/**
 * The decoded content of an extension, if the list has it.
 * @throws kind `malformed` when the data is not the structure or has bytes after it (V010)
 */
export function readExtension<T>(
  extensions: readonly Extension[],
  extensionType: number,
  codec: Codec<T>,
): T | undefined {
  const found = findExtension(extensions, extensionType)
  return found === undefined ? undefined : decode(codec, found.extensionData)
}

/** The list with one extension set: it replaces one of the same type in place, or is appended (V343). */
export function setExtension<T>(
  extensions: readonly Extension[],
  extensionType: number,
  codec: Codec<T>,
  value: T,
): readonly Extension[] {
  const extension = { extensionType, extensionData: encode(codec, value) }
  const index = extensions.findIndex((old) => old.extensionType === extensionType)
  if (index < 0) return [...extensions, extension]
  return extensions.map((old, i) => (i === index ? extension : old))
}

/** @throws `extension/duplicate` when two extensions have one type (RFC 9420 §13.4); `rule` says where */
export function rejectDuplicateExtensions(extensions: readonly Extension[], rule: string): void {
  const seen = new Set<number>()
  for (const { extensionType } of extensions) {
    if (seen.has(extensionType)) throw new MlsError('extension/duplicate', 'two extensions of one type', { rule })
    seen.add(extensionType)
  }
}
