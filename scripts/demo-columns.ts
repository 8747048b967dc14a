// Two columns: what people see, and beside it what the server sees.
import { cutTo, type Paint, padTo, sizeText, widthOf, wrap } from '../src/cli/paint.ts'
import type { Audience } from './demo-scenario.ts'
import type { ServerView } from './demo-tap.ts'

const leastLeft = 48

/** An audience that prints, one scene after the other. */
export class Columns implements Audience {
  readonly #paint: Paint
  readonly #left: number
  readonly #right: number
  readonly #print: (line: string) => void
  #people: string[] = []
  #server: string[] = []
  #scene = 0
  /** Stanzas of the binding that were sent, and their size. */
  readonly totals = { stanzas: 0, bytes: 0 }

  constructor(paint: Paint, width: number, print: (line: string) => void) {
    this.#paint = paint
    this.#left = Math.max(leastLeft, Math.floor(width * 0.46))
    this.#right = Math.max(leastLeft, width - this.#left - 3)
    this.#print = print
  }

  /** The heads of the columns. */
  heading(): void {
    this.#row(this.#paint.bold('what people see'), this.#paint.bold('what the server sees'))
  }

  scene(title: string): void {
    this.flush()
    this.#print('')
    this.#print(this.#paint.bold(`${++this.#scene}. ${title}`))
  }

  people(line: string): void {
    const cut = widthOf(line) <= this.#left ? [line] : wrap(line, this.#left)
    this.#people.push(...cut)
  }

  server({ from, to, element, detail, bytes, head, tail }: ServerView): void {
    this.totals.stanzas++
    this.totals.bytes += bytes
    const where = to === undefined ? 'own node' : (to.split('@')[0] ?? to)
    const what = `${from} → ${where} <${element}>${detail === '' ? '' : ` ${detail.trim()}`} ${sizeText(bytes)}`
    const room = this.#right - widthOf(what) - 1
    const text = head === '' || room < 9 ? '' : room < 18 ? cutTo(head, room) : `${head}…${tail}`
    this.#server.push(cutTo(`${what} ${text}`.trimEnd(), this.#right))
  }

  wide(lines: readonly string[]): void {
    this.flush()
    for (const line of lines) this.#print(line)
  }

  /** Prints what is there of the scene. */
  flush(): void {
    const rows = Math.max(this.#people.length, this.#server.length)
    for (let i = 0; i < rows; i++) this.#row(this.#people[i] ?? '', this.#paint.dim(this.#server[i] ?? ''))
    this.#people = []
    this.#server = []
  }

  #row(left: string, right: string): void {
    this.#print(`${padTo(left, this.#left)} ${this.#paint.dim('│')} ${right}`.trimEnd())
  }
}
