import * as Attacks from "./Attacks.ts"
import type { RandomChoice } from "../RandomChoice.ts"
import * as Values from "./Values.ts"

/** Largest body that the server accepts. */
const MAX_BODY_BYTES = 64 * 1024

type Mutation = (random: RandomChoice, text: string) => string | Buffer

/** Replaces one value of a JSON text. */
const replaceValue =
  (makeValue: (random: RandomChoice) => string): Mutation =>
  (random, text) => {
    const matches = Array.from(text.matchAll(/:("(?:[^"\\]|\\.)*"|[^,{}[\]"]+)/g))
    if (matches.length === 0) return makeValue(random)
    const match = random.pick(matches)
    return `${text.slice(0, match.index + 1)}${makeValue(random)}${text.slice(match.index + match[0].length)}`
  }

const valuesOfOtherTypes = [
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
const extraMembers = [
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

/** Adds a first member. */
const addMember: Mutation = (random, text) =>
  text.startsWith("{") ? text.replace("{", () => `{${random.pick(extraMembers)},`).replace(",}", "}") : text

const replacements: ReadonlyArray<string> = [
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

/** Pads the body to the maximum size, or one byte more or less. */
const padToLimit: Mutation = (random, text) => {
  const size = MAX_BODY_BYTES + random.below(3) - 1
  return text + " ".repeat(Math.max(0, size - Buffer.byteLength(text)))
}

const nestDeeply: Mutation = (random, text) => {
  const depth = random.pick([10, 100, 1_000, 10_000, 30_000])
  const [open, close] = random.pick([
    ["[", "]"],
    ['{"a":', "}"]
  ] as const)
  const nested = `${open.repeat(Math.floor(depth / open.length))}1${close.repeat(Math.floor(depth / open.length))}`
  return random.chance(0.5) ? nested : text.replace("{", () => `{"extra":${nested},`)
}

const invalidUtf8: ReadonlyArray<Buffer> = [
  Buffer.from([0xff, 0xfe]),
  Buffer.from([0xc0, 0xaf]),
  Buffer.from([0xed, 0xa0, 0xbd]),
  Buffer.from([0xf4, 0x90, 0x80, 0x80]),
  Buffer.from([0x80]),
  Buffer.from([0xe2, 0x82])
]

/** Inserts bytes that are not valid UTF-8. */
const insertInvalidUtf8: Mutation = (random, text) => {
  const body = Buffer.from(text)
  const at = random.below(body.length + 1)
  return Buffer.concat([body.subarray(0, at), random.pick(invalidUtf8), body.subarray(at)])
}

const mutations: ReadonlyArray<Mutation> = [
  replaceValue((random) => random.pick(valuesOfOtherTypes)),
  replaceValue((random) => random.pick(Attacks.numbers)),
  replaceValue((random) => JSON.stringify(random.pick(Attacks.numbers))),
  replaceValue((random) => JSON.stringify(Values.hostile(random))),
  replaceValue((random) => JSON.stringify(Values.hostile(random))),
  addMember,
  // Removes a member.
  (random, text) => {
    const matches = Array.from(text.matchAll(/"[a-z_]+":("(?:[^"\\]|\\.)*"|[^,{}[\]"]+),?/g))
    return matches.length === 0 ? text : text.replace(random.pick(matches)[0], "")
  },
  (random) => random.pick(replacements),
  (random, text) => text.slice(0, random.below(text.length + 1)),
  (random, text) => Values.mutated(random, text),
  (_, text) => `\ufeff${text}`,
  (_, text) => Buffer.from(text, "utf16le"),
  (_, text) => `[${text}]`,
  (_, text) => ` \t\r\n${text}\n\n`,
  (_, text) => text.repeat(2),
  padToLimit,
  (random, text) => text + " ".repeat(MAX_BODY_BYTES * random.pick([2, 16])),
  (random) => `{${Array.from({ length: random.pick([100, 5_000]) }, (_, i) => `"m${i}":${i}`).join()}}`,
  nestDeeply,
  insertInvalidUtf8
]

/** Applies one mutation to a body. */
export const mutate = (random: RandomChoice, body: Buffer): Buffer =>
  Buffer.from(random.pick(mutations)(random, body.toString()))
