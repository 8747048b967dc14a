import type { XmppContext } from '../port.ts'
import type { TimerName } from './engine/events.ts'

/** The timers of one engine: one of each name, at a random time within its window. */
export class EngineTimers {
  readonly #context: XmppContext
  readonly #fire: (name: TimerName) => void
  readonly #cancel = new Map<TimerName, () => void>()

  constructor(context: XmppContext, fire: (name: TimerName) => void) {
    this.#context = context
    this.#fire = fire
  }

  /** Calls back after `ms` and up to `windowMs` more; replaces the timer of that name. */
  set({ name, ms, windowMs }: { readonly name: TimerName; readonly ms: number; readonly windowMs: number }): void {
    const { timers, random } = this.#context
    const [a = 0, b = 0] = random.randomBytes(2)
    this.#cancel.get(name)?.()
    const cancel = timers.after(ms + Math.floor((windowMs * (a * 256 + b)) / 65_536), () => {
      this.#cancel.delete(name)
      this.#fire(name)
    })
    this.#cancel.set(name, cancel)
  }

  /** Cancels all. */
  stop(): void {
    for (const cancel of this.#cancel.values()) cancel()
    this.#cancel.clear()
  }
}
