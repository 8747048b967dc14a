/** What a platform may have, from the best. */
interface Platform {
  readonly scheduler?: { readonly yield?: () => Promise<void> }
  readonly setImmediate?: (run: () => void) => unknown
  readonly MessageChannel?: typeof MessageChannel
}

/**
 * Lets the event loop of the platform turn once: input, timers, drawing. `scheduler.yield` where a browser has it, which goes
 * on before newer work; `setImmediate` in Node; a message to oneself elsewhere, which no browser delays as it does timers.
 */
export const systemPause: () => Promise<void> = pauseOf(globalThis as Platform)

/** The pause of a platform. */
export function pauseOf({ scheduler, setImmediate, MessageChannel }: Platform): () => Promise<void> {
  if (setImmediate !== undefined) return () => new Promise((resolve) => setImmediate(resolve))
  if (scheduler?.yield !== undefined) return () => scheduler.yield?.() ?? Promise.resolve()
  if (MessageChannel === undefined) return () => new Promise((resolve) => setTimeout(resolve, 0))
  return () =>
    new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel()
      port1.onmessage = () => {
        port1.close()
        resolve()
      }
      port2.postMessage(undefined)
    })
}
