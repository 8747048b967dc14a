import type { Paint } from './paint.ts'
import type { Terminal } from './terminal.ts'

/** Somebody at a terminal who is told things and asked. */
export interface Person {
  readonly paint: Paint
  readonly print: (line: string) => void
  /** A line that was typed, without blanks around it; the empty text at the end of the input. */
  ask(question: string): Promise<string>
}

/** The person at a terminal. */
export function personAt(terminal: Terminal, paint: Paint): Person {
  const lines = terminal.lines[Symbol.asyncIterator]()
  return {
    paint,
    print: terminal.print,
    async ask(question) {
      terminal.print(paint.bold(question))
      const next = await lines.next()
      return next.done === true ? '' : next.value.trim()
    },
  }
}

/** Whether somebody says yes. */
export async function agrees(person: Person, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await person.ask(`${question} (yes or no)`))
}
