/** A cipher suite that knows how much time its public-key operations took. */
import type { CipherSuite } from '../../src/index.ts'

const publicKeyWork = new Set<PropertyKey>([
  'sign',
  'verify',
  'verifyMany',
  'generateSignatureKeyPair',
  'signaturePublicKey',
  'isSignaturePublicKey',
  'isHpkePublicKey',
  'deriveKeyPair',
  'deriveKeyPairs',
  'hpkeSeal',
  'hpkeSealMany',
  'hpkeOpen',
  'hpkeSenderExport',
  'hpkeReceiverExport',
])

/** Milliseconds by the clock on the wall and of this process: a busy machine stretches one, other threads the other. */
export class Time {
  readonly wall: number
  readonly process: number

  constructor(wall: number, process: number) {
    this.wall = wall
    this.process = process
  }

  static now(): Time {
    const { user, system } = process.cpuUsage()
    return new Time(performance.now(), (user + system) / 1000)
  }

  plus(other: Time): Time {
    return new Time(this.wall + other.wall, this.process + other.process)
  }

  minus(other: Time): Time {
    return new Time(this.wall - other.wall, this.process - other.process)
  }

  /** What the work itself cannot have exceeded. */
  get atMost(): number {
    return Math.max(0, Math.min(this.wall, this.process))
  }
}

/** See the file. */
export interface TimedSuite {
  readonly suite: CipherSuite
  /** Public-key work so far, and what {@link apart} ran. Calls that overlap count once. */
  spent(): Time
  /** Runs work that is none of the engine's. */
  apart<T>(work: () => T): T
}

export function timedSuite(inner: CipherSuite): TimedSuite {
  let spent = new Time(0, 0)
  let since = spent
  let open = 0
  const enter = (): void => {
    if (open++ === 0) since = Time.now()
  }
  const leave = (): void => {
    if (--open === 0) spent = spent.plus(Time.now().minus(since))
  }
  const apart = <T>(work: () => T): T => {
    enter()
    let waits = false
    try {
      const result = work()
      if (!(result instanceof Promise)) return result
      waits = true
      return result.finally(leave) as T
    } finally {
      if (!waits) leave()
    }
  }
  const suite = new Proxy(inner, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target)
      if (typeof value !== 'function') return value
      if (!publicKeyWork.has(key)) return value.bind(target)
      return (...input: unknown[]) => apart(() => value.apply(target, input))
    },
  })
  return { suite, spent: () => spent, apart }
}
