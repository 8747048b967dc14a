/**
 * Modules as text in the package. A byte is one character, after a mark when it is none of the first 87 values: bytes that repeat
 * stay characters that repeat, so that what compresses files on their way compresses the text as well as the module, and base64 a
 * quarter worse.
 */
import type { Bytes } from '../../bytes/bytes.ts'

/** Printable characters that need no escape in a string, nor can end a script in a page; the last two are the marks. */
export const moduleAlphabet: string = Array.from({ length: 95 }, (_, i) => String.fromCharCode(32 + i))
  .filter((character) => !'\'"`$\\<'.includes(character))
  .join('')

/** Values that one character tells; so many follow each of the two marks. */
export const plainValues: number = moduleAlphabet.length - 2

/** The bytes of a module that `scripts/build-wasm.ts` wrote as text. */
export function fromModuleText(text: string): Bytes {
  const values = new Map(Array.from(moduleAlphabet, (character, value) => [character.charCodeAt(0), value]))
  const bytes = new Uint8Array(text.length)
  let length = 0
  let mark = 0
  for (let i = 0; i < text.length; i++) {
    const value = values.get(text.charCodeAt(i)) ?? 0
    if (value >= plainValues) mark = value - plainValues + 1
    else {
      bytes[length++] = value + mark * plainValues
      mark = 0
    }
  }
  return bytes.slice(0, length)
}
