import type { Timers } from '../port.ts'
import type { RoomHealth, RoomIssue } from './types.ts'

/** Tells of a room's health where it changes, and waits for it. */
export class HealthWatch {
  readonly #timers: Timers
  readonly #read: () => RoomHealth
  readonly #onChange: (health: RoomHealth) => void
  readonly #waiting = new Set<() => void>()
  #last: RoomHealth | undefined

  constructor(timers: Timers, read: () => RoomHealth, onChange: (health: RoomHealth) => void) {
    this.#timers = timers
    this.#read = read
    this.#onChange = onChange
  }

  /** Tells of the health if it is not what was told last. */
  report(): void {
    const health = this.#read()
    if (this.#last !== undefined && sameHealth(this.#last, health)) return
    this.#last = health
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

/** Whether nobody would see a difference. Lists that stayed the same object are not looked through. */
function sameHealth(a: RoomHealth, b: RoomHealth): boolean {
  if (a.state !== b.state || a.epoch !== b.epoch || a.canSend !== b.canSend) return false
  const { issues } = b
  if (a.issues === issues) return true
  return a.issues.length === issues.length && a.issues.every((one, i) => sameIssue(one, issues[i]))
}

function sameIssue(a: RoomIssue, b: RoomIssue | undefined): boolean {
  return a === b || JSON.stringify(a) === JSON.stringify(b)
}
