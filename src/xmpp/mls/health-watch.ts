import type { Timers } from '../port.ts'
import type { RoomHealth } from './types.ts'

/** Tells of a room's health where it changes, and waits for it. */
export class HealthWatch {
  readonly #timers: Timers
  readonly #read: () => RoomHealth
  readonly #onChange: (health: RoomHealth) => void
  readonly #waiting = new Set<() => void>()
  #last = ''

  constructor(timers: Timers, read: () => RoomHealth, onChange: (health: RoomHealth) => void) {
    this.#timers = timers
    this.#read = read
    this.#onChange = onChange
  }

  /** Tells of the health if it is not what was told last. */
  report(): void {
    const health = this.#read()
    const text = JSON.stringify(health, (_key, value: unknown) => (typeof value === 'bigint' ? String(value) : value))
    if (text === this.#last) return
    this.#last = text
    this.#onChange(health)
  }

  /** Something has changed: whoever waits looks again. */
  wake(): void {
    for (const look of [...this.#waiting]) look()
  }

  /** Waits until a state of health is reached. Resolves whether it was in time. */
  async until(wanted: (health: RoomHealth) => boolean, timeoutMs: number): Promise<boolean> {
    if (wanted(this.#read())) return true
    return await new Promise<boolean>((resolve) => {
      const finish = (value: boolean): void => {
        this.#waiting.delete(look)
        cancel()
        resolve(value)
      }
      const look = (): void => {
        if (wanted(this.#read())) finish(true)
      }
      const cancel = this.#timers.after(timeoutMs, () => finish(false))
      this.#waiting.add(look)
    })
  }
}
