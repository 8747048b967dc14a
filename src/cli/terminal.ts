import { createInterface, type Interface } from 'node:readline'

/** A terminal where lines are typed while others are printed above. */
export interface Terminal {
  readonly lines: AsyncIterable<string>
  readonly print: (line: string) => void
  close(): void
}

/** The terminal of this process; also works with pipes. */
export function openTerminal(prompt: string): Terminal {
  const interactive = process.stdin.isTTY === true && process.stdout.isTTY === true
  const reader: Interface = createInterface({
    input: process.stdin,
    terminal: interactive,
    prompt,
    ...(interactive ? { output: process.stdout } : {}),
  })
  const waiting: string[] = []
  let wake: (() => void) | undefined
  let ended = false
  reader.on('line', (line) => {
    waiting.push(line)
    wake?.()
    if (interactive) reader.prompt()
  })
  reader.on('close', () => {
    ended = true
    wake?.()
  })
  async function* typed(): AsyncGenerator<string> {
    if (interactive) reader.prompt()
    for (;;) {
      const next = waiting.shift()
      if (next !== undefined) yield next
      else if (ended) return
      else
        await new Promise<void>((resolve) => {
          wake = resolve
        })
    }
  }
  return {
    lines: typed(),
    print: (line) => {
      if (!interactive) console.log(line)
      else {
        // over the line that is being typed, which is then shown again below
        process.stdout.write(`\r\u001b[K${line}\n`)
        if (!ended) reader.prompt(true)
      }
    },
    close: () => reader.close(),
  }
}

/** Asks for a secret without showing it. @returns the empty text when nobody can be asked */
export async function askSecret(question: string): Promise<string> {
  if (process.stdin.isTTY !== true) return ''
  process.stdout.write(question)
  const input = process.stdin
  input.setRawMode(true)
  input.resume()
  input.setEncoding('utf8')
  return await new Promise((resolve) => {
    let secret = ''
    const take = (text: string): void => {
      for (const char of text) {
        if (char === '\r' || char === '\n' || char === '\u0003' || char === '\u0004') {
          input.off('data', take)
          input.setRawMode(false)
          input.pause()
          process.stdout.write('\n')
          resolve(char === '\u0003' ? '' : secret)
          return
        }
        secret = char === '\u007f' ? secret.slice(0, -1) : secret + char
      }
    }
    input.on('data', take)
  })
}
