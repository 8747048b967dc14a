import { connect, createServer, type Socket } from 'node:net'

/** A TCP link between two servers that can be cut. */
export interface Link {
  /** Ends all connections and takes no new ones. */
  cut(): void
  /** Takes connections again. */
  mend(): void
  close(): Promise<void>
}

/** Forwards a port of 127.0.0.1 to another one. */
export async function openLink(from: number, to: number): Promise<Link> {
  const sockets = new Set<Socket>()
  let whole = true
  const server = createServer((near) => {
    if (!whole) {
      near.destroy()
      return
    }
    const far = connect(to, '127.0.0.1')
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one)
      one.pipe(other)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        sockets.delete(one)
        other.destroy()
      })
    }
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(from, '127.0.0.1', resolve)
  })
  const drop = (): void => {
    for (const socket of [...sockets]) socket.destroy()
  }
  return {
    cut: () => {
      whole = false
      drop()
    },
    mend: () => {
      whole = true
    },
    close: async () => {
      drop()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
