/** Runs files of test vectors, case by case: a case that fails stops no other. */
import { readFileSync } from 'node:fs'
import { performance } from 'node:perf_hooks'
import { caseDigest, isCopyOf } from './digest.ts'
import type { VectorEngine } from './engine.ts'
import type { Family } from './families.ts'
import { Fields, VectorError } from './fields.ts'

/** A case that does not hold. */
export interface CaseFailure {
  /** Position in the file, from 0; absent when the file as a whole cannot be read. */
  readonly index?: number
  /** Cipher suite of the case, where it has one. */
  readonly suite?: number
  readonly error: Error
}

/** What came of one file. */
export interface FileReport {
  readonly name: string
  readonly passed: number
  readonly failures: readonly CaseFailure[]
  /** Cases by cipher suite, for files that have suites. */
  readonly suites: ReadonlyMap<number, number>
  readonly seconds: number
}

/** The cases of a file. @throws VectorError when it cannot be read or is no array of JSON values */
export function readCases(path: string): readonly unknown[] {
  let cases: unknown
  try {
    cases = JSON.parse(readFileSync(path, 'utf8'))
  } catch (cause) {
    throw new VectorError(cause instanceof SyntaxError ? `not JSON: ${cause.message}` : 'the file cannot be read', {
      cause,
    })
  }
  if (!Array.isArray(cases)) throw new VectorError('the file is not an array of cases')
  if (cases.length === 0) throw new VectorError('the file has no cases')
  return cases
}

/** The official file of a family. */
export interface Published {
  /** See `caseDigest`. */
  readonly digests: readonly string[]
  /** Whether the file claims to be the official one; another is compared only when it is recognised as a copy. */
  readonly claimed: boolean
}

/**
 * Runs one file.
 * @param published a case of the official file is also compared with what was published, since not every digit of a vector
 *   enters a computation
 */
export async function runFile(
  name: string,
  path: string,
  family: Family,
  engine: VectorEngine,
  published?: Published,
): Promise<FileReport> {
  const start = performance.now()
  const failures: CaseFailure[] = []
  const suites = new Map<number, number>()
  let passed = 0
  try {
    const cases = readCases(path)
    const isOfficial = published !== undefined && (published.claimed || isCopyOf(published.digests, cases))
    const digests = isOfficial ? published.digests : undefined
    for (const [index, value] of cases.entries()) {
      const suite = suiteOf(value)
      if (suite !== undefined) suites.set(suite, (suites.get(suite) ?? 0) + 1)
      try {
        await family(new Fields(value), engine)
        if (digests !== undefined && digests[index] !== caseDigest(value))
          throw new VectorError('differs from the published case')
        passed++
      } catch (error) {
        failures.push({ index, ...(suite === undefined ? {} : { suite }), error: asError(error) })
      }
    }
    const missing = (digests?.length ?? 0) - passed - failures.length
    if (missing > 0) throw new VectorError(`${missing} cases of the published file are missing`)
  } catch (error) {
    failures.push({ error: asError(error) })
  }
  return { name, passed, failures, suites, seconds: (performance.now() - start) / 1000 }
}

function suiteOf(value: unknown): number | undefined {
  if (typeof value !== 'object' || value === null || !('cipher_suite' in value)) return undefined
  return typeof value.cipher_suite === 'number' ? value.cipher_suite : undefined
}

function asError(error: unknown): Error {
  return error instanceof Error ? error : new Error(String(error))
}
