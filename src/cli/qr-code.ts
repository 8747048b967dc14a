import QRCode from 'qrcode'
import type { Paint } from './paint.ts'

/**
 * A text as a QR code for the terminal, one line for two rows of squares, with a margin of two.
 * @throws `Error` of the library for a text that no code can hold
 */
export async function qrLines(text: string, paint: Paint): Promise<string[]> {
  const drawn = await QRCode.toString(text, {
    type: 'utf8',
    errorCorrectionLevel: 'L',
    margin: 2,
    // without colours the background is taken for dark, as most are: then the light squares are drawn
    ...(paint.colours ? {} : { color: { dark: '#ffffff', light: '#000000' } }),
  })
  return drawn
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => paint.paper(line))
}
