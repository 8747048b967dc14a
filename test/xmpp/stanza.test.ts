import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { MlsError } from '../../src/bytes/errors.ts'
import { child, element, isXmlText, sameElement, type XmlElement } from '../../src/xmpp/stanza/element.ts'
import { fromJson, fromLtx, toJson, toLtx } from '../../src/xmpp/stanza/interop.ts'
import { bareJid, normaliseJid } from '../../src/xmpp/stanza/jid.ts'
import { parseXml } from '../../src/xmpp/stanza/parse.ts'
import { serialise, xmlSize } from '../../src/xmpp/stanza/serialise.ts'
import { message } from '../../src/xmpp/stanza/stanza.ts'
import { buildCarbon, carbonIn } from '../../src/xmpp/xep/xep-0280.ts'
import { archiveResultIn, buildArchiveResult } from '../../src/xmpp/xep/xep-0313.ts'
import { buildStanzaId, stanzaIdBy } from '../../src/xmpp/xep/xep-0359.ts'

const codeOf = (run: () => unknown): string => {
  try {
    run()
  } catch (error) {
    return error instanceof MlsError ? error.code : 'untyped'
  }
  return 'accepted'
}

const text = fc.string({ unit: 'binary' }).filter(isXmlText)
const name = fc.constantFrom('a', 'b', 'item-x', 'x_1')
const ns = fc.constantFrom('urn:a', 'urn:b&<>"', 'jabber:client')
const tree = fc.letrec<{ node: XmlElement }>((tie) => ({
  node: fc
    .tuple(
      name,
      ns,
      fc.dictionary(fc.constantFrom('id', 'xml:lang', 'jid'), text),
      fc.array(fc.oneof({ depthSize: 'small' }, text, tie('node')), { maxLength: 4 }),
    )
    .map(([n, namespace, attrs, children]) => element(n, namespace, attrs, ...children)),
})).node

describe('XML', () => {
  test('survives serialise and parse, and its size is the size of its UTF-8 text', () => {
    fc.assert(
      fc.property(tree, (source) => {
        const xml = serialise(source)
        expect(sameElement(parseXml(xml), source)).toBe(true)
        expect(xmlSize(source, '')).toBe(new TextEncoder().encode(xml).length)
      }),
    )
  })

  test('survives the forms of ltx and of the library stanza', () => {
    fc.assert(
      fc.property(tree, (source) => {
        expect(sameElement(fromLtx(toLtx(source)), source)).toBe(true)
        expect(sameElement(fromJson(toJson(source)), source)).toBe(true)
        expect(sameElement(parseXml(toLtx(source).toString()), source)).toBe(true)
      }),
    )
  })

  test('resolves inherited and prefixed namespaces', () => {
    const source = parseXml('<p:a xmlns:p="urn:a" xmlns="urn:b"><c/><p:d><e xmlns=""/></p:d></p:a>')
    expect(source.ns).toBe('urn:a')
    expect(child(source, 'c', 'urn:b')).toBeDefined()
    expect(child(child(source, 'd', 'urn:a')!, 'e', '')).toBeDefined()
  })

  test.each([
    ['<!DOCTYPE a [<!ENTITY x "y">]><a/>', 'xmpp/xml'],
    ['<a><!-- c --></a>', 'xmpp/xml'],
    ['<?xml version="1.0"?><a/>', 'xmpp/xml'],
    ['<a><?php ?></a>', 'xmpp/xml'],
    ['<a>&x;</a>', 'xmpp/xml'],
    ['<a>&#0;</a>', 'xmpp/xml'],
    ['<a>\u0001</a>', 'xmpp/xml'],
    ['<a><b></a></b>', 'xmpp/xml'],
    ['<a>', 'xmpp/xml'],
    ['<a/><a/>', 'xmpp/xml'],
    ['x<a/>', 'xmpp/xml'],
    ['', 'xmpp/xml'],
    ['<p:a/>', 'xmpp/xml'],
    [`${'<a>'.repeat(33)}${'</a>'.repeat(33)}`, 'xmpp/xml_limit'],
    [`<a ${Array.from({ length: 257 }, (_, i) => `b${i}="x"`).join(' ')}/>`, 'xmpp/xml_limit'],
    [`<a>${'x'.repeat(1 << 20)}</a>`, 'xmpp/xml_limit'],
    [`<a>${'<b/>'.repeat(1 << 16)}</a>`, 'xmpp/xml_limit'],
  ])('R24: refuses %#', (xml, code) => {
    expect(codeOf(() => parseXml(xml))).toBe(code)
  })

  test('R24: accepts 32 levels and 256 attributes', () => {
    expect(codeOf(() => parseXml(`${'<a>'.repeat(32)}${'</a>'.repeat(32)}`))).toBe('accepted')
    expect(codeOf(() => parseXml(`<a ${Array.from({ length: 256 }, (_, i) => `b${i}="x"`).join(' ')}/>`))).toBe(
      'accepted',
    )
  })

  test('reads CDATA as text, whatever is inside', () => {
    expect(parseXml('<a><![CDATA[<!-- & ]]></a>').children).toEqual(['<!-- & '])
    expect(parseXml('<a>1<![CDATA[2]]>3<b/><![CDATA[&lt;]]>4</a>').children).toMatchObject([
      '123',
      { name: 'b' },
      '&lt;4',
    ])
    expect(parseXml('<a><![CDATA[x]]]]><![CDATA[>]]> y</a>').children).toEqual(['x]]> y'])
  })

  test('never throws anything untyped', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('<', '>', '/', '!', '?', 'a', ' ', '"', '=', '&', ';', '#', ':')),
        (parts) => {
          expect(codeOf(() => parseXml(`<a>${parts.join('')}</a>`))).not.toBe('untyped')
        },
      ),
      { numRuns: 2000 },
    )
  })

  test('builders refuse what would break the stream', () => {
    expect(codeOf(() => element('a b', 'urn:a'))).toBe('xmpp/build')
    expect(codeOf(() => element('a', 'urn:a', { 'x=': '1' }))).toBe('xmpp/build')
    expect(codeOf(() => element('a', 'urn:a', {}, 'a\u0000b'))).toBe('xmpp/build')
  })
})

describe('addresses', () => {
  test.each([
    ['Juliet@Example.COM/Balcony', 'juliet@example.com/Balcony'],
    ['example.org.', 'example.org'],
    ['a@b/c/d@e', 'a@b/c/d@e'],
  ])('%s is %s', (given, expected) => {
    expect(normaliseJid(given)).toBe(expected)
  })

  test.each(['', '@a', 'a@', 'a@/x', 'a b@c', 'a@b/', 'a@b@c', 'a"@b'])('refuses %j', (given) => {
    expect(codeOf(() => bareJid(given))).toBe('xmpp/jid')
  })
})

describe('forgery', () => {
  const own = 'romeo@montague.example'
  const inner = message({ from: 'juliet@capulet.example/b', to: `${own}/home`, type: 'chat' })

  test.each([
    [own, 'carbon'],
    ['mallory@evil.example', 'forged'],
    [`${own}/home`, 'forged'],
    [undefined, 'carbon'],
  ])('S01: a carbon from %s is %s', (from, kind) => {
    const copy = buildCarbon('x@y', `${own}/home`, 'chat', { direction: 'received', message: inner })
    const stanza = message({ ...copy.attrs, from }, ...copy.children)
    expect(carbonIn(stanza, own).kind).toBe(kind)
  })

  test('S01: a sent copy of a message that others sent is forged', () => {
    const copy = buildCarbon(own, `${own}/home`, 'chat', { direction: 'sent', message: inner })
    expect(carbonIn(copy, own).kind).toBe('forged')
  })

  test('S02: an archive result counts only from the queried archive with the open query id', () => {
    const room = 'garden@muc.example'
    const result = buildArchiveResult(room, `${own}/home`, { queryId: 'q1', id: '7', message: inner })
    expect(archiveResultIn(result, { archive: room, own, queryId: 'q1' })?.id).toBe('7')
    expect(archiveResultIn(result, { archive: room, own, queryId: 'q2' })).toBeUndefined()
    expect(archiveResultIn(result, { archive: 'other@muc.example', own, queryId: 'q1' })).toBeUndefined()
    expect(archiveResultIn(result, { archive: own, own, queryId: 'q1' })).toBeUndefined()
  })

  test('S04: a stanza-id counts only by the asked entity, and two of it are none', () => {
    const one = buildStanzaId({ id: '1', by: 'room@muc.example' })
    const two = buildStanzaId({ id: '2', by: 'room@muc.example' })
    const foreign = buildStanzaId({ id: '3', by: 'mallory@evil.example' })
    expect(stanzaIdBy(message({}, foreign, one), 'room@muc.example')).toBe('1')
    expect(stanzaIdBy(message({}, foreign), 'room@muc.example')).toBeUndefined()
    expect(stanzaIdBy(message({}, one, two), 'room@muc.example')).toBeUndefined()
  })
})
