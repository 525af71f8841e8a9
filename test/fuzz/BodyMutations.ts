import * as Attacks from "./Attacks.ts"
import type { RandomChoice } from "./RandomChoice.ts"
import * as Values from "./Values.ts"

/** The largest body that is taken. */
const LIMIT = 64 * 1024

type Mutations = (dice: RandomChoice, text: string) => string | Buffer

/** JSON with something else in the place of one of its values. */
const replaceValue =
  (other: (dice: RandomChoice) => string): Mutations =>
  (dice, text) => {
    const places = Array.from(text.matchAll(/:("(?:[^"\\]|\\.)*"|[^,{}[\]"]+)/g))
    if (places.length === 0) return other(dice)
    const place = dice.pick(places)
    return `${text.slice(0, place.index + 1)}${other(dice)}${text.slice(place.index + place[0].length)}`
  }

const otherTypes = [
  "null",
  "true",
  "[]",
  "{}",
  "[null]",
  '""',
  "0",
  '{"a":1}',
  "[[[]]]",
  '"\\ud800"',
  '"\\u0000"'
]
const members = [
  '"extra":1',
  '"__proto__":{"amount":"1"}',
  '"constructor":{"prototype":{}}',
  '"toString":null',
  '"":""',
  '"amount":"1","amount":"2"',
  '"from_currency":"USD","from_currency":"EUR"',
  '"a\\u0000b":1',
  '"\\ud800":1'
]

/** Adds a member, in the first place. */
const addMember: Mutations = (dice, text) =>
  text.startsWith("{") ? text.replace("{", () => `{${dice.pick(members)},`).replace(",}", "}") : text

const wholes: ReadonlyArray<string> = [
  "",
  " ",
  "\n",
  "{",
  "}",
  "[",
  "null",
  "true",
  "17",
  '"text"',
  "[]",
  "{}",
  "[1,2]",
  "NaN",
  "undefined",
  "{'amount':1}",
  "{amount:1}",
  '{"a":1,}',
  "// comment\n{}",
  '{"a":1}{"a":2}',
  "a=b&c=d",
  "<xml/>",
  "\0\0\0\0"
]

/** Exactly as large as is taken, one more or one less. */
const sized: Mutations = (dice, text) => {
  const size = LIMIT + dice.below(3) - 1
  return text + " ".repeat(Math.max(0, size - Buffer.byteLength(text)))
}

const deep: Mutations = (dice, text) => {
  const depth = dice.pick([10, 100, 1_000, 10_000, 30_000])
  const [open, close] = dice.pick([
    ["[", "]"],
    ['{"a":', "}"]
  ] as const)
  const nested = `${open.repeat(Math.floor(depth / open.length))}1${close.repeat(Math.floor(depth / open.length))}`
  return dice.chance(0.5) ? nested : text.replace("{", () => `{"extra":${nested},`)
}

const bytes: ReadonlyArray<Buffer> = [
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xc0, 0xaf]),
  Buffer.from([0xed, 0xa0, 0xbd]),
  Buffer.from([0xf4, 0x90, 0x80, 0x80]),
  Buffer.from([0x80]),
  Buffer.from([0xe2, 0x82])
]

/** Bytes in the midst of it that are no UTF-8. */
const notUtf8: Mutations = (dice, text) => {
  const whole = Buffer.from(text)
  const at = dice.below(whole.length + 1)
  return Buffer.concat([whole.subarray(0, at), dice.pick(bytes), whole.subarray(at)])
}

const damages: ReadonlyArray<Mutations> = [
  replaceValue((dice) => dice.pick(otherTypes)),
  replaceValue((dice) => dice.pick(Attacks.numbers)),
  replaceValue((dice) => JSON.stringify(dice.pick(Attacks.numbers))),
  replaceValue((dice) => JSON.stringify(Values.hostile(dice))),
  replaceValue((dice) => JSON.stringify(Values.hostile(dice))),
  addMember,
  // A member less.
  (dice, text) => {
    const places = Array.from(text.matchAll(/"[a-z_]+":("(?:[^"\\]|\\.)*"|[^,{}[\]"]+),?/g))
    return places.length === 0 ? text : text.replace(dice.pick(places)[0], "")
  },
  (dice) => dice.pick(wholes),
  (dice, text) => text.slice(0, dice.below(text.length + 1)),
  (dice, text) => Values.damaged(dice, text),
  (_, text) => `\ufeff${text}`,
  (_, text) => Buffer.from(text, "utf16le"),
  (_, text) => `[${text}]`,
  (_, text) => ` \t\r\n${text}\n\n`,
  (_, text) => text.repeat(2),
  sized,
  (dice, text) => text + " ".repeat(LIMIT * dice.pick([2, 16])),
  (dice) => `{${Array.from({ length: dice.pick([100, 5_000]) }, (_, i) => `"m${i}":${i}`).join()}}`,
  deep,
  notUtf8
]

/** A body in which something is wrong. */
export const damage = (dice: RandomChoice, body: Buffer): Buffer =>
  Buffer.from(dice.pick(damages)(dice, body.toString()))
