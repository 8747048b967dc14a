import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import { type Codec, type Infer, opaque, skip, struct, vec } from '../codec/codec.ts'
import { wireLimits } from './limits.ts'
import { credentialTypes } from './registries.ts'

const basic = struct({ identity: opaque })
const x509 = struct({ certificates: vec(opaque, wireLimits.certificates) })

/** A credential of RFC 9420 §5.3. `identity` is opaque to MLS; `certificates` is a DER chain, the end entity first. */
export type Credential =
  | { readonly credentialType: 'basic'; readonly identity: Bytes }
  | { readonly credentialType: 'x509'; readonly certificates: readonly Bytes[] }

/** RFC 9420 §5.3. An unknown type has no known length, so it cannot be passed over: `credential/unsupported` (V023); GREASE is
 * one of these (V122). */
export const Credential: Codec<Credential> = {
  read(reader) {
    const code = reader.uint16()
    if (code === credentialTypes.basic) return { credentialType: 'basic', identity: opaque.read(reader) }
    if (code === credentialTypes.x509) return { credentialType: 'x509', ...x509.read(reader) }
    throw unsupported()
  },
  write(writer, value) {
    writer.uint16(credentialTypes[value.credentialType])
    if (value.credentialType === 'basic') basic.write(writer, value)
    else x509.write(writer, value)
  },
  skip(reader) {
    const code = reader.uint16()
    if (code === credentialTypes.basic) skip(basic, reader)
    else if (code === credentialTypes.x509) skip(x509, reader)
    else throw unsupported()
  },
}

function unsupported(): MlsError {
  return new MlsError('credential/unsupported', 'a credential type that is not registered', { rule: 'V023' })
}

/** The code point of a credential's type. */
export function credentialTypeCode(credential: Credential): number {
  return credentialTypes[credential.credentialType]
}

/** The fields of a basic credential, for callers that build one. */
export type BasicCredential = Infer<typeof basic>
