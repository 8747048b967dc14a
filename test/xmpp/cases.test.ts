import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { sameElement, type XmlElement } from '../../src/xmpp/stanza/element.ts'
import { parseXml } from '../../src/xmpp/stanza/parse.ts'
import { serialise } from '../../src/xmpp/stanza/serialise.ts'
import { codecs } from './codecs.ts'

const root = fileURLToPath(new URL('./cases/', import.meta.url))
const folders = readdirSync(root).flatMap((xep) => readdirSync(root + xep).map((codec) => `${xep}/${codec}`))

const revive = (_key: string, value: unknown): unknown =>
  typeof value === 'object' && value !== null && '$xml' in value ? parseXml(String(value.$xml)) : value

const read = (path: string): XmlElement => parseXml(readFileSync(root + path, 'utf8').trim())

test('every codec has a folder of cases and every folder a codec', () => {
  expect(folders.sort()).toEqual(Object.keys(codecs).sort())
})

describe.each(folders)('%s', (folder) => {
  const codec = codecs[folder]!
  const files = readdirSync(root + folder)
  const accepted = files.filter((file) => file.endsWith('.json')).map((file) => file.slice(0, -5))
  const rejected = files.filter((file) => file.endsWith('.reject.xml'))

  test.each(accepted)('%s: XML to value and back', (name) => {
    const source = read(`${folder}/${name}.xml`)
    const value: unknown = JSON.parse(readFileSync(`${root}${folder}/${name}.json`, 'utf8'), revive)
    expect(codec.parse(source)).toEqual(value)
    const built = codec.build(value as never)
    expect(sameElement(built, source), serialise(built)).toBe(true)
    expect(sameElement(parseXml(serialise(built)), source)).toBe(true)
  })

  test('rejects what is something else', () => {
    for (const file of rejected) expect(codec.parse(read(`${folder}/${file}`)), file).toBeUndefined()
    expect(codec.parse(parseXml('<unrelated xmlns="urn:example:other"/>'))).toBeUndefined()
  })
})
