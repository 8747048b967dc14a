/** Public subpath `xmpp-mls/codec`: the codec toolbox, for custom proposals, extensions and components. */
export {
  type Codec,
  checked,
  concat,
  decode,
  encode,
  enumeration,
  type Fields,
  fixed,
  type Infer,
  nested,
  opaque,
  optional,
  skip,
  struct,
  uint8,
  uint16,
  uint32,
  uint64,
  variant,
  vec,
} from './codec.ts'
export { Reader } from './reader.ts'
export { maxVectorLength, Writer } from './writer.ts'
