/**
 * LMDB files that were damaged on the medium, opened in processes of their own: LMDB must give a typed error or be right,
 * and never end the process.
 */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { buildSync } from 'esbuild'
import { openLmdbStorage } from '../../src/storage/lmdb.ts'

const page = 4096
const text = (value: string) => new TextEncoder().encode(value)

/** Ways in which a file can be damaged; `at` picks a place, with numbers below its argument. */
const damages: Record<string, (file: Buffer, pick: (below: number) => number) => void> = {
  'bytes anywhere': (file, pick) => {
    for (let i = 0; i < 8; i++) file[pick(file.length)] = pick(256)
  },
  'a byte of a page header': (file, pick) => {
    file[pick(file.length / page) * page + pick(24)] = pick(256)
  },
  'an offset of a node': (file, pick) => {
    file.writeUInt16LE(pick(65_536), pick(file.length / page) * page + 24 + 2 * pick(20))
  },
  'a word after the free space': (file, pick) => {
    const at = pick(file.length / page) * page
    const upper = 24 + (file.readUInt16LE(at + 22) % (page - 40))
    file.writeUInt32LE(pick(2 ** 32), at + upper + 2 * pick(Math.max(1, (page - upper - 8) >> 1)))
  },
  'a page of noise': (file, pick) => {
    randomBytes(page).copy(file, pick(file.length / page) * page)
  },
  'a page of zeros': (file, pick) => {
    const at = pick(file.length / page) * page
    file.fill(0, at, at + page)
  },
  'a page in the place of another': (file, pick) => {
    file.copyWithin(pick(file.length / page) * page, pick(file.length / page) * page, page * (1 + pick(2)))
  },
  'a page of a kind and number that fit': (file, pick) => {
    const at = pick(file.length / page) * page
    const header = Buffer.from(file.subarray(at, at + 20))
    randomBytes(page).copy(file, at)
    header.copy(file, at)
  },
  'a field of a meta page': (file, pick) => {
    file[pick(2) * page + 32 + pick(128)] = pick(256)
  },
  'a half page': (file, pick) => {
    const at = pick(file.length / page) * page
    randomBytes(page / 2).copy(file, at + page / 2)
  },
  'two pages exchanged': (file, pick) => {
    const [a, b] = [pick(file.length / page) * page, pick(file.length / page) * page]
    const first = Buffer.from(file.subarray(a, a + page))
    file.copyWithin(a, b, b + page)
    first.copy(file, b)
  },
}

/** What came of the trials. */
export interface DamageOutcome {
  /** Ends by a signal, and errors without a type. */
  readonly violations: readonly string[]
  /** How often each code was seen. */
  readonly codes: ReadonlyMap<string, number>
}

/** Trials by their numbers: a number says which damage is done, and where. */
export async function damageTrials(trials: readonly number[]): Promise<DamageOutcome> {
  const folder = mkdtempSync(join(tmpdir(), 'damage-'))
  const program = join(import.meta.dirname, `../../node_modules/.damage-child-${process.pid}.mjs`)
  buildSync({
    entryPoints: [join(import.meta.dirname, 'damage-child.ts')],
    outfile: program,
    bundle: true,
    platform: 'node',
    format: 'esm',
    packages: 'external',
  })
  const violations: string[] = []
  const codes = new Map<string, number>()
  try {
    const whole = await wholeFile(join(folder, 'whole'))
    const names = Object.keys(damages)
    for (const trial of trials) {
      const name = names[trial % names.length]!
      const file = Buffer.from(whole)
      const pick = picker(trial)
      damages[name]!(file, pick)
      const path = join(folder, String(trial))
      mkdirSync(path)
      writeFileSync(join(path, 'data.mdb'), file)
      const end = await outcomeOf(program, path)
      if (!/^(ok|storage\/[a-z]+)$/.test(end)) violations.push(`trial ${trial}, ${name}: ${end}`)
      codes.set(end, (codes.get(end) ?? 0) + 1)
      rmSync(path, { recursive: true, force: true })
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
    rmSync(program, { force: true })
  }
  return { violations, codes }
}

/** Rows on three levels of pages, values on overflow pages, free pages. */
async function wholeFile(path: string): Promise<Buffer> {
  const store = await openLmdbStorage({ path, randomBytes })
  for (let i = 0; i < 400; i += 8)
    await store.apply(
      Array.from({ length: 8 }, (_, j) => {
        const value = new Uint8Array((i + j) % 9 === 0 ? 9000 : 300).fill(i + j)
        return { kind: 'put', table: 't', key: text(`k${i + j}`), value }
      }),
    )
  for (let i = 0; i < 100; i += 4)
    await store.apply([0, 1, 2, 3].map((j) => ({ kind: 'delete', table: 't', key: text(`k${2 * (i + j)}`) })))
  await store.close()
  return readFileSync(join(path, 'data.mdb'))
}

function outcomeOf(program: string, path: string): Promise<string> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [program, path], { stdio: ['ignore', 'pipe', 'ignore'] })
    let output = ''
    child.stdout.on('data', (part: Buffer) => {
      output += part.toString()
    })
    const timer = setTimeout(() => child.kill('SIGKILL'), 20_000)
    child.on('close', (_, signal) => {
      clearTimeout(timer)
      resolve(signal === null ? (output.trim().split('\n').at(-1) ?? 'nothing') : `signal ${signal}`)
    })
  })
}

/** Numbers below a bound, the same for one seed: xorshift. */
function picker(seed: number): (below: number) => number {
  let state = (seed + 1) * 0x9e3779b1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return Math.floor(((state >>> 0) / 2 ** 32) * below)
  }
}
