import { describe, expect, test } from 'vitest'
import { parseCommand } from '../../src/cli/commands.ts'
import { cutTo, harmless, padTo, paintFor, wantsColours, widthOf, wrap } from '../../src/cli/paint.ts'
import { drawTree } from '../../src/cli/tree-drawing.ts'

describe('lines that a person types', () => {
  test.each([
    ['hello', { kind: 'say', body: 'hello' }],
    ['  ', { kind: 'nothing' }],
    ['//slash', { kind: 'say', body: '/slash' }],
    ['/invite bob@example.org', { kind: 'invite', account: 'bob@example.org' }],
    ['/reply 3 yes of course', { kind: 'reply', number: 3, body: 'yes of course' }],
    ['/react 12 🎉 👍', { kind: 'react', number: 12, emojis: ['🎉', '👍'] }],
    ['/react 12', { kind: 'react', number: 12, emojis: [] }],
    ['/who', { kind: 'who' }],
  ])('%s', (line, command) => {
    expect(parseCommand(line)).toEqual(command)
  })

  test.each(['/invite', '/invite a b', '/reply x yes', '/reply 0 yes', '/reply 1', '/react', '/who now', '/dance'])(
    '%s is answered with its usage',
    (line) => {
      expect(parseCommand(line).kind).toBe('wrong')
    },
  )
})

describe('texts on a terminal', () => {
  test('widths: colours take none, pictures two', () => {
    const paint = paintFor(true)
    expect(paint.bold('abc')).not.toBe('abc')
    expect(widthOf(paint.bold('abc'))).toBe(3)
    expect(widthOf('🎉')).toBe(2)
    expect(padTo('ab', 4)).toBe('ab  ')
    expect(cutTo('abcdef', 4)).toBe('abc…')
    expect(cutTo('abcd', 4)).toBe('abcd')
    expect(wrap('  one two three', 9)).toEqual(['  one two', '    three'])
    expect(paintFor(false).name('a')).toBe('a')
  })

  test('a name keeps its colour', () => {
    const paint = paintFor(true)
    const first = paint.name('alice')
    expect(paint.name('bob')).not.toBe(first.replace('alice', 'bob'))
    expect(paint.name('alice')).toBe(first)
  })

  test('NO_COLOR and FORCE_COLOR', () => {
    expect(wantsColours({ isTTY: true }, {})).toBe(true)
    expect(wantsColours({ isTTY: true }, { NO_COLOR: '1' })).toBe(false)
    expect(wantsColours({}, { FORCE_COLOR: '1' })).toBe(true)
    expect(wantsColours({}, {})).toBe(false)
  })

  test('what others write cannot steer the terminal', () => {
    const esc = String.fromCharCode(27)
    expect(harmless(`${esc}[2Jclean`)).toBe('\\u001b[2Jclean')
    expect(harmless('a\u202eb')).toBe('a\\u202eb')
    expect(harmless('two\nlines')).toBe('two ⏎ lines')
  })
})

describe('the drawing of a tree', () => {
  const leaf = (leafIndex: number, name: string) => ({ leafIndex, label: [name] })

  test('four leaves, one of them blank', () => {
    expect(drawTree([leaf(0, 'a'), leaf(1, 'b'), leaf(3, 'd')])).toEqual([
      '          ┌─────────┴─────────┐',
      '     ┌────┴────┐         ┌────┴────┐',
      '    0         1         ·         3',
      '    a         b                   d',
    ])
  })

  test('one leaf is its own root', () => {
    expect(drawTree([leaf(0, 'a')])).toEqual(['    0', '    a'])
  })

  test('many leaves become a list', () => {
    const lines = drawTree(Array.from({ length: 9 }, (_, i) => leaf(i, `m${i}`)))
    expect(lines).toHaveLength(9)
    expect(lines[7]).toBe('├──── 7 m7')
    expect(lines[8]).toBe('└─ 8 m8')
  })
})
