import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { VectorError } from './fields.ts'
import type { VectorFile } from './manifest.ts'

/** SHA-256 of one case, spaces apart, in 16 hexadecimal digits. */
export function caseDigest(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('hex').slice(0, 16)
}

/** SHA-256 of a file in hexadecimal. */
export function fileDigest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}

const path = new URL('digests.json', import.meta.url)

/** {@link caseDigest} of every case of the official files, by file name. */
export function officialDigests(): ReadonlyMap<string, readonly string[]> {
  return new Map(Object.entries(JSON.parse(readFileSync(path, 'utf8')) as Record<string, string[]>))
}

/**
 * Whether cases are a copy of an official file, perhaps a damaged one: as many cases, and at least half of them the same.
 * Whoever makes other vectors shares none.
 */
export function isCopyOf(digests: readonly string[], cases: readonly unknown[]): boolean {
  const same = cases.filter((value, i) => caseDigest(value) === digests[i]).length
  return cases.length === digests.length && 2 * same >= cases.length
}

/** @throws VectorError when the bytes are not those of the manifest */
export function expectFileDigest(file: VectorFile, bytes: Uint8Array): void {
  const actual = fileDigest(bytes)
  if (actual !== file.sha256)
    throw new VectorError(`SHA-256 of ${file.name}: expected ${file.sha256}, actual ${actual}`)
}
