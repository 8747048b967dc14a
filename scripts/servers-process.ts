import { type ChildProcess, spawn } from 'node:child_process'
import { openSync } from 'node:fs'
import { connect, createServer } from 'node:net'

/** Ports of 127.0.0.1 that nobody uses now. */
export async function freePorts(count: number): Promise<readonly number[]> {
  const servers = await Promise.all(
    Array.from(
      { length: count },
      async () =>
        await new Promise<ReturnType<typeof createServer>>((resolve, reject) => {
          const server = createServer()
          server.once('error', reject)
          server.listen(0, '127.0.0.1', () => resolve(server))
        }),
    ),
  )
  const ports = servers.map((server) => (server.address() as { port: number }).port)
  await Promise.all(servers.map(async (server) => await new Promise((resolve) => server.close(resolve))))
  return ports
}

/** Waits until something listens on a port. @throws when the process ends or 30 seconds pass */
export async function listening(port: number, child: ChildProcess): Promise<void> {
  for (let i = 0; i < 300; i++) {
    if (child.exitCode !== null || child.signalCode !== null) throw new Error('the server ended; see its log')
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1')
      socket.once('connect', () => {
        socket.destroy()
        resolve(true)
      })
      socket.once('error', () => resolve(false))
    })
    if (open) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('the server did not start in 30 seconds; see its log')
}

/** Starts a program in a folder with its output in `log`. It ends with this process. */
export function launch(program: string, args: readonly string[], folder: string, log: string, env = {}): ChildProcess {
  const out = openSync(log, 'a')
  const child = spawn(program, args, { cwd: folder, stdio: ['ignore', out, out], env: { ...process.env, ...env } })
  // The guard's standard input closes when this process ends in whatever way; then the server must go too.
  const guard = spawn('sh', ['-c', 'trap "" HUP INT; read _; kill -9 "$0" 2>/dev/null', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  guard.unref()
  child.once('exit', () => guard.kill('SIGKILL'))
  return child
}

/** Ends a program and waits until it is gone. */
export async function finish(child: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  child.kill(signal)
  const forced = setTimeout(() => child.kill('SIGKILL'), 5000)
  await gone
  clearTimeout(forced)
}
