import type { SentMessage } from './types.ts'

interface Operation {
  readonly resolve: (sent: SentMessage | undefined) => void
  readonly reject: (error: unknown) => void
}

/** What the application waits for, by the id under which the engine says how it ended. */
export class Operations {
  readonly #open = new Map<string, Operation>()
  readonly #name: string
  #serial = 0

  /** @param name tells the operations of this process from those that a process before has left in the storage */
  constructor(name: string) {
    this.#name = name
  }

  /** An id that no other operation has. */
  next(): string {
    return `${this.#name} ${++this.#serial}`
  }

  /** Begins an operation. @throws what it is ended with */
  begin(op: string): Promise<SentMessage | undefined> {
    return new Promise((resolve, reject) => this.#open.set(op, { resolve, reject }))
  }

  /** Ends one well. */
  done(op: string, sent: SentMessage | undefined): void {
    this.#end(op)?.resolve(sent)
  }

  /** Ends one badly. */
  failed(op: string, error: unknown): void {
    this.#end(op)?.reject(error)
  }

  /** Ends all of them badly. */
  close(error: unknown): void {
    for (const { reject } of this.#open.values()) reject(error)
    this.#open.clear()
  }

  #end(op: string): Operation | undefined {
    const found = this.#open.get(op)
    this.#open.delete(op)
    return found
  }
}
