import type { WireFormat } from '../src/wire/framed-content.ts'
import { decodeMlsMessage, encodeMlsMessage, type MlsMessage } from '../src/wire/mls-message.ts'
import { expectBytes, expectEqual } from './expect.ts'

type MessageOf<F extends WireFormat> = Extract<MlsMessage, { wireFormat: F }>

/** Decodes an MLSMessage of a known wire format, and checks that it encodes to the same bytes again. */
export function decodeMessage<F extends WireFormat>(what: string, bytes: Uint8Array, wireFormat: F): MessageOf<F> {
  const message = decodeMlsMessage(bytes)
  expectEqual<string>(`wire format of ${what}`, message.wireFormat, wireFormat)
  expectBytes(`${what}, encoded again`, encodeMlsMessage(message), bytes)
  return message as MessageOf<F>
}
