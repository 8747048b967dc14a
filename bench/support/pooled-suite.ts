/** A suite over worker threads, as `xmpp-mls/providers/pool/node` gives it, for benches that run from the sources. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { build } from 'esbuild'
import { type CipherSuite, type CipherSuiteId, cipherSuite } from '../../src/index.ts'
import { createNodePool } from '../../src/providers/pool/node.ts'

/** The suite, and what ends its workers. */
export interface PooledSuite {
  readonly suite: CipherSuite
  close(): void
}

/** Opens a suite over workers that are ready, as many as the machine has cores or `size`. */
export async function openPooled(id: number, size?: number): Promise<PooledSuite> {
  const folder = mkdtempSync(join(tmpdir(), 'mls-bench-pool-'))
  const worker = join(folder, 'worker.mjs')
  await build({
    entryPoints: [join(import.meta.dirname, '../../src/providers/pool/node-worker.ts')],
    outfile: worker,
    bundle: true,
    platform: 'node',
    format: 'esm',
    logLevel: 'warning',
  })
  const pool = createNodePool({ worker: pathToFileURL(worker), ...(size === undefined ? {} : { size }) })
  await pool.warm(id)
  return {
    suite: await cipherSuite(id as CipherSuiteId, { provider: pool }),
    close() {
      pool.close()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}
