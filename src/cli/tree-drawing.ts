import { padTo, widthOf } from './paint.ts'

/** A leaf to draw. */
export interface DrawnLeaf {
  readonly leafIndex: number
  /** Lines below the leaf. */
  readonly label: readonly string[]
}

/** Leaves that fit beside one another; more are drawn as a list. */
const maxBeside = 8

/** A ratchet tree (RFC 9420 §7.1) as lines of text: leaves from the left, blank ones as a dot. */
export function drawTree(leaves: readonly DrawnLeaf[]): string[] {
  const last = Math.max(0, ...leaves.map(({ leafIndex }) => leafIndex))
  let count = 1
  while (count <= last) count *= 2
  const at = new Map(leaves.map((leaf) => [leaf.leafIndex, leaf]))
  return count > maxBeside ? drawList(at, last + 1) : drawBeside(at, count)
}

function drawBeside(leaves: ReadonlyMap<number, DrawnLeaf>, count: number): string[] {
  const width = 2 + Math.max(8, ...[...leaves.values()].flatMap(({ label }) => label.map((line) => widthOf(line))))
  const lines: string[] = []
  for (let span = count; span > 1; span /= 2) {
    const block = span * width
    let line = ''
    for (let i = 0; i < count / span; i++) line += branch(block)
    lines.push(line.trimEnd())
  }
  const height = Math.max(1, ...[...leaves.values()].map(({ label }) => label.length))
  const cell = (text: string): string => {
    const before = Math.max(0, Math.floor((width - widthOf(text)) / 2))
    return padTo(' '.repeat(before) + text, width)
  }
  const row = (text: (leaf: DrawnLeaf | undefined, index: number) => string): void => {
    let line = ''
    for (let i = 0; i < count; i++) line += cell(text(leaves.get(i), i))
    lines.push(line.trimEnd())
  }
  row((leaf, i) => (leaf === undefined ? '·' : String(i)))
  for (let n = 0; n < height; n++) row((leaf) => leaf?.label[n] ?? '')
  return lines
}

/** One parent node in a block of this width: a corner above the middle of each child. */
function branch(block: number): string {
  const [left, middle, right] = [Math.floor(block / 4), Math.floor(block / 2), Math.floor((block * 3) / 4)]
  let line = ''
  for (let i = 0; i < block; i++)
    line += i === left ? '┌' : i === right ? '┐' : i === middle ? '┴' : i > left && i < right ? '─' : ' '
  return line
}

function drawList(leaves: ReadonlyMap<number, DrawnLeaf>, count: number): string[] {
  const lines: string[] = []
  for (let i = 0; i < count; i++) {
    // how many subtrees end with this leaf: its place in the tree at a glance
    let depth = 0
    while (((i + 1) >> depth) % 2 === 0 && 1 << depth < count) depth++
    const leaf = leaves.get(i)
    const edge = i === count - 1 ? '└' : '├'
    lines.push(`${edge}${'─'.repeat(depth + 1)} ${i} ${leaf === undefined ? '·' : leaf.label.join(' ')}`)
  }
  return lines
}
