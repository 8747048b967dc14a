/** An emoji with the English name that is read aloud; translations are made from the name. */
export interface VerifyEmoji {
  readonly emoji: string
  readonly name: string
}

/**
 * Sixty-four emoji for comparisons; the place is the value of six bits, and is fixed for ever. Chosen so that each is one
 * code point with its own colours on every system since Unicode 9, and no two are easily taken for each other or share a
 * sound in their names.
 */
export const verifyEmojiList: readonly VerifyEmoji[] = (
  [
    ['🦊', 'fox'],
    ['🍋', 'lemon'],
    ['🚲', 'bicycle'],
    ['🌵', 'cactus'],
    ['🎩', 'top hat'],
    ['🐙', 'octopus'],
    ['⛵', 'sailing boat'],
    ['🍄', 'mushroom'],
    ['🔔', 'bell'],
    ['🐢', 'turtle'],
    ['🍕', 'pizza'],
    ['🚀', 'rocket'],
    ['🎻', 'violin'],
    ['🐝', 'bee'],
    ['🌻', 'sunflower'],
    ['🔑', 'key'],
    ['🦉', 'owl'],
    ['🍇', 'grapes'],
    ['🚜', 'tractor'],
    ['🎈', 'balloon'],
    ['🐘', 'elephant'],
    ['🌈', 'rainbow'],
    ['🥕', 'carrot'],
    ['👑', 'crown'],
    ['🐧', 'penguin'],
    ['🍒', 'cherries'],
    ['🚁', 'helicopter'],
    ['🎲', 'dice'],
    ['🐌', 'snail'],
    ['🌋', 'volcano'],
    ['🧀', 'cheese'],
    ['💎', 'diamond'],
    ['🦋', 'butterfly'],
    ['🍍', 'pineapple'],
    ['🚂', 'steam train'],
    ['🎸', 'guitar'],
    ['🐪', 'camel'],
    ['🌙', 'moon'],
    ['🥚', 'egg'],
    ['👞', 'shoe'],
    ['🦀', 'crab'],
    ['🍌', 'banana'],
    ['⚓', 'anchor'],
    ['🎯', 'target'],
    ['🐸', 'frog'],
    ['🔥', 'fire'],
    ['🍩', 'doughnut'],
    ['👓', 'glasses'],
    ['🦁', 'lion'],
    ['🍉', 'watermelon'],
    ['🚦', 'traffic light'],
    ['🥁', 'drum'],
    ['🐎', 'horse'],
    ['⛄', 'snowman'],
    ['🥖', 'bread'],
    ['📎', 'paper clip'],
    ['🐬', 'dolphin'],
    ['🍁', 'leaf'],
    ['🏠', 'house'],
    ['🎁', 'present'],
    ['🐓', 'rooster'],
    ['🌍', 'globe'],
    ['🔨', 'hammer'],
    ['📷', 'camera'],
  ] as const
).map(([emoji, name]) => ({ emoji, name }))
