/**
 * Records: the values of tables that are more than bytes. A record is the CBOR array `[type, version, body]`; the body is a
 * map that a schema checks whenever it is read. What is there but cannot be understood is an error, never "absent".
 *
 * Each type counts its own versions from 1. Reading an older one runs the migrations from its version upwards and then the
 * schema; reading a newer one is refused with `storage/version`, since what a later release added must not be lost by
 * writing the record back.
 */
import type { Bytes } from '../bytes/bytes.ts'
import { MlsError } from '../bytes/errors.ts'
import type { Storage, StorageOperation } from '../ports/storage.ts'
import { type CborValue, collectCbor, decodeCbor } from './cbor.ts'
import { majorTypes } from './cbor-writer.ts'
import type { Schema } from './schema.ts'

/** The body of a record while it is migrated. */
export type RecordBody = Map<string, CborValue>

/** How a type of record is defined. */
export interface RecordDefinition<T> {
  /** The name in the record, 1 to 32 characters of `a-z 0-9 _`. Never used for another type again. */
  readonly type: string
  /** The version that is written. */
  readonly version: number
  readonly schema: Schema<T>
  /**
   * For each earlier version, in order from 1, the step to the next one: gets the body and may change it. A step must not
   * depend on the present schema, which later versions change.
   */
  readonly migrations?: readonly ((body: RecordBody) => RecordBody)[]
}

/** A type of record. */
export interface RecordType<T> {
  readonly type: string
  readonly version: number
  /**
   * Bytes of a record; checked by the schema, so that nothing is stored that cannot be read.
   * @throws `storage/range` when the schema refuses the value
   */
  encode(value: T): Bytes
  /**
   * The record of bytes.
   * @throws `storage/damaged`, or `storage/version` for a version newer than this release knows
   */
  decode(bytes: Uint8Array): T
}

const typeName = /^[a-z0-9_]{1,32}$/

/**
 * Defines a type of record.
 * @throws `storage/range` when the definition is not in order
 */
export function recordType<T>(definition: RecordDefinition<T>): RecordType<T> {
  const { type, version, schema } = definition
  const migrations = definition.migrations ?? []
  if (!typeName.test(type) || migrations.length !== version - 1)
    throw new MlsError('storage/range', 'definition of a record type')
  const head = collectCbor((to) => {
    to.head(majorTypes.array, 3)
    to.text(type)
    to.number(version)
  })
  return {
    type,
    version,
    encode(value) {
      try {
        return collectCbor((to) => {
          to.raw(head)
          schema.write(to, value, type)
        })
      } catch (cause) {
        throw new MlsError('storage/range', 'a value that its record type does not allow', { cause })
      }
    },
    decode(bytes) {
      const { found, body } = open(bytes, type, version)
      let migrated = body
      for (const step of migrations.slice(found - 1)) migrated = migrate(step, migrated)
      return schema.read(migrated, type)
    },
  }
}

function open(bytes: Uint8Array, type: string, version: number): { found: number; body: RecordBody } {
  const value = decodeCbor(bytes)
  if (!Array.isArray(value) || value.length !== 3) throw new MlsError('storage/damaged', 'not a record')
  const [name, found, body] = value as unknown[]
  if (name !== type) throw new MlsError('storage/damaged', `a record of another type where ${type} belongs`)
  if (typeof found !== 'number' || !Number.isSafeInteger(found) || found < 1)
    throw new MlsError('storage/damaged', 'version of a record')
  if (found > version)
    throw new MlsError('storage/version', `${type} record of version ${found}, this release knows up to ${version}`)
  if (!(body instanceof Map)) throw new MlsError('storage/damaged', 'body of a record')
  return { found, body }
}

function migrate(step: (body: RecordBody) => RecordBody, body: RecordBody): RecordBody {
  try {
    return step(body)
  } catch (cause) {
    // A step may meet anything under a valid envelope; what it cannot handle is damage, not a crash.
    throw cause instanceof MlsError ? cause : new MlsError('storage/damaged', 'migration of a record', { cause })
  }
}

/**
 * Reads one record.
 * @throws `storage/damaged`, `storage/version`, and as `Storage.get`
 */
export async function readRecord<T>(
  storage: Storage,
  table: string,
  key: Uint8Array,
  type: RecordType<T>,
): Promise<T | undefined> {
  const bytes = await storage.get(table, key)
  return bytes === undefined ? undefined : type.decode(bytes)
}

/**
 * The operation that stores a record.
 * @throws `storage/range`
 */
export function putRecord<T>(table: string, key: Uint8Array, type: RecordType<T>, value: T): StorageOperation {
  return { kind: 'put', table, key, value: type.encode(value) }
}
