import { MlsError } from '../bytes/errors.ts'
import type { OwnershipPolicy } from '../ports/storage.ts'

/** A lock that is held until it is released, stolen, or its page goes away. */
export interface LockHold {
  release(): void
}

/**
 * Holds the exclusive Web Lock of a name. Without Web Locks (an insecure context, an old browser) the hold is an empty one
 * and the fence alone protects.
 * @throws `storage/busy` when the policy is `refuse` and another page holds the lock
 */
export async function holdLock(name: string, policy: OwnershipPolicy | 'wait', lost: () => void): Promise<LockHold> {
  const locks = (globalThis.navigator as Partial<Navigator> | undefined)?.locks
  if (locks === undefined) return { release: () => undefined }
  let release: () => void = () => undefined
  const held = new Promise<void>((resolve) => {
    release = resolve
  })
  const mode = policy === 'refuse' ? { ifAvailable: true } : policy === 'take' ? { steal: true } : {}
  const granted = await new Promise<boolean>((resolve, reject) => {
    let answered = false
    const request = locks.request(name, mode, (lock) => {
      answered = true
      resolve(lock !== null)
      return lock === null ? undefined : held
    })
    request.catch((cause: unknown) => {
      // After the lock was granted, this is the notice that another page has stolen it.
      if (answered) lost()
      else reject(new MlsError('storage/io', 'Web Locks failed', { cause }))
    })
  })
  if (!granted) throw new MlsError('storage/busy', 'another tab holds the store')
  return { release }
}
