/** Colours for terminals, as functions that do nothing where there are none. */

/** How texts are marked. */
export interface Paint {
  /** Whether there are any. */
  readonly colours: boolean
  /** Black on white, as on paper. */
  readonly paper: (text: string) => string
  readonly bold: (text: string) => string
  readonly dim: (text: string) => string
  readonly good: (text: string) => string
  readonly bad: (text: string) => string
  readonly note: (text: string) => string
  /** One colour for each name, the same every time. */
  readonly name: (name: string, text?: string) => string
}

const reset = '\u001b[0m'
const nameColours = [36, 35, 33, 32, 34, 96, 95, 93, 92, 94]

/** The colours, or none. */
export function paintFor(colours: boolean): Paint {
  const mark = (code: number | string) => {
    const open = `\u001b[${code}m`
    // a colour inside ends with a reset, after which this one goes on
    return (text: string) => (colours ? `${open}${text.replaceAll(reset, reset + open)}${reset}` : text)
  }
  const known = new Map<string, number>()
  return {
    colours,
    paper: mark('30;107'),
    bold: mark(1),
    dim: mark(2),
    good: mark(32),
    bad: mark(31),
    note: mark(33),
    name: (name, text = name) => {
      const index = known.get(name) ?? known.size
      known.set(name, index)
      return mark(nameColours[index % nameColours.length] ?? 36)(text)
    },
  }
}

/** Whether the output wants colours: a terminal, unless NO_COLOR; FORCE_COLOR overrules. */
export function wantsColours(stream: { readonly isTTY?: boolean }, env: NodeJS.ProcessEnv): boolean {
  if (env['FORCE_COLOR'] !== undefined) return env['FORCE_COLOR'] !== '0'
  return env['NO_COLOR'] === undefined && stream.isTTY === true
}

const escapes = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g')

/** Columns that a text takes on a terminal: colours take none, pictures two. */
export function widthOf(text: string): number {
  let width = 0
  for (const { segment } of segmenter.segment(text.replace(escapes, '')))
    width += /\p{Extended_Pictographic}/u.test(segment) && segment !== '…' ? 2 : 1
  return width
}

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' })

/** The text with blanks up to a width. */
export function padTo(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - widthOf(text)))
}

/** A text without colours, cut to a width. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text
  let out = ''
  for (const { segment } of segmenter.segment(text)) {
    if (widthOf(out + segment) > width - 1) break
    out += segment
  }
  return `${out}…`
}

/** Lines of at most `width` columns, broken between words where possible; colours go on in the next line. */
export function wrap(text: string, width: number): string[] {
  const plain = text.replace(escapes, '')
  const indent = /^ */.exec(plain)?.[0] ?? ''
  const lines: string[] = []
  let line = ''
  // blanks of the indent stay with the first word
  for (const word of text.split(/(?<=\S) /)) {
    const longer = line === '' ? word : `${line} ${word}`
    if (widthOf(longer) <= width || line === '') line = longer
    else {
      lines.push(line)
      line = `${indent}  ${word}`
    }
  }
  let open = ''
  return [...lines, line].map((one) => {
    const before = open
    for (const [code] of one.matchAll(escapes)) open = code === reset ? '' : code
    return `${before}${one}${open === '' ? '' : reset}`
  })
}

/** A number of bytes for people. */
export function sizeText(bytes: number): string {
  return bytes < 10_000 ? `${bytes} B` : `${(bytes / 1000).toFixed(bytes < 100_000 ? 1 : 0)} kB`
}

/**
 * A text of others as it may be shown on a terminal: control characters (which could move the cursor or hide lines) and
 * marks that turn the writing direction become visible.
 */
export function harmless(text: string): string {
  return text.replace(/[\p{Cc}\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/gu, (char) =>
    char === '\n' ? ' ⏎ ' : `\\u${(char.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`,
  )
}
