import fc from 'fast-check'
import { expect, test } from 'vitest'
import { atOnce } from '../../src/bytes/slices.ts'
import { Entry, PersistentMap } from '../../src/ratchet-tree/persistent-map.ts'

// short alphabets and lengths make keys that share long ends, and keys that are the end of others
const key = fc.array(fc.constantFrom('\0', '\x01', '\x10', '\xff'), { maxLength: 5 }).map((parts) => parts.join(''))
const change = fc.tuple(key, fc.option(fc.nat(), { nil: undefined }))

test('behaves as a Map, and earlier versions stay as they were', () => {
  fc.assert(
    fc.property(fc.array(fc.array(change, { maxLength: 20 }), { maxLength: 6 }), (drafts) => {
      let map = PersistentMap.empty<number>()
      const model = new Map<string, number>()
      const history: [PersistentMap<number>, Map<string, number>][] = []
      for (const changes of drafts) {
        const draft = map.draft()
        for (const [name, value] of changes) {
          if (value === undefined) {
            draft.delete(name)
            model.delete(name)
          } else {
            draft.set(name, value)
            model.set(name, value)
          }
          expect(draft.get(name)).toBe(value)
        }
        map = draft.finish()
        history.push([map, new Map(model)])
      }
      const names = new Set(drafts.flat().map(([name]) => name))
      for (const [version, expected] of history) {
        expect(version.size).toBe(expected.size)
        for (const name of names) expect(version.get(name)).toBe(expected.get(name))
      }
    }),
    { numRuns: 300 },
  )
})

test('what is inserted stays as it was first', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(key, fc.nat()), { maxLength: 40 }), (entries) => {
      const draft = PersistentMap.empty<number>().draft()
      const model = new Map<string, number>()
      for (const [name, value] of entries) {
        expect(draft.insert(name, value)).toBe(model.get(name))
        if (!model.has(name)) model.set(name, value)
      }
      const map = draft.finish()
      expect(map.size).toBe(model.size)
      for (const [name, value] of model) expect(map.get(name)).toBe(value)
    }),
  )
})

test('many entries at once: the map of one by one, which goes on as that does', () => {
  fc.assert(
    fc.property(fc.uniqueArray(key, { maxLength: 60 }), fc.array(change, { maxLength: 20 }), (names, changes) => {
      const model = new Map(names.map((name, i) => [name, i]))
      const entries = names.map((name, i) => new Entry(name, i))
      const made = atOnce(PersistentMap.of(entries, () => new Error('twice')))
      expect(made.size).toBe(names.length)
      for (const [name, value] of model) expect(made.get(name)).toBe(value)
      const draft = made.draft()
      for (const [name, value] of changes) {
        if (value === undefined) draft.delete(name)
        else draft.set(name, value)
        if (value === undefined) model.delete(name)
        else model.set(name, value)
      }
      const map = draft.finish()
      expect(map.size).toBe(model.size)
      for (const name of new Set([...names, ...changes.map(([changed]) => changed)]))
        expect(map.get(name)).toBe(model.get(name))
      // the first version is as it was
      for (const [i, name] of names.entries()) expect(made.get(name)).toBe(i)
    }),
    { numRuns: 300 },
  )
})

test('two entries with one key are an error, wherever they are', () => {
  fc.assert(
    fc.property(fc.uniqueArray(key, { minLength: 1, maxLength: 40 }), fc.nat(), fc.nat(), (names, from, to) => {
      const twice = names[from % names.length]!
      const place = to % (names.length + 1)
      const list = [...names.slice(0, place), twice, ...names.slice(place)]
      const entries = list.map((name) => new Entry(name, name))
      expect(() =>
        atOnce(PersistentMap.of(entries, (a, b) => new Error(`twice ${a === twice} ${b === twice}`))),
      ).toThrow('twice true true')
    }),
  )
})

test('a draft cannot be used after its end', () => {
  const draft = PersistentMap.empty<number>().draft()
  draft.set('a', 1)
  draft.set('b', 2)
  const map = draft.finish()
  expect(() => draft.set('c', 3)).toThrow()
  expect(map.get('c')).toBe(undefined)
})

test('keys that a peer chooses to share a long end cost no more than their number', () => {
  const draft = PersistentMap.empty<number>().draft()
  const end = '\xaa'.repeat(200)
  for (let i = 0; i < 2000; i++) draft.set(String.fromCharCode(i & 255, i >> 8) + end, i)
  const map = draft.finish()
  for (let i = 0; i < 2000; i += 37) expect(map.get(String.fromCharCode(i & 255, i >> 8) + end)).toBe(i)
})
