import { Result } from "effect"
import type { BigDecimal } from "effect"
import * as Decimal from "./Decimal.ts"

declare global {
  interface JSON {
    /** Returns a value that `JSON.stringify` serializes as the given JSON text (ES2026). */
    rawJSON(text: string): unknown
  }
}

/** Wraps a decimal so that `JSON.stringify` writes it as a JSON number with all of its digits. */
export const number = (value: BigDecimal.BigDecimal): unknown => JSON.rawJSON(Decimal.format(value))

/**
 * Serializes an object with JSON text as its last field `name`, byte for byte: with its whitespace, the order of its
 * keys and duplicate keys. `JSON.rawJSON` rejects objects and arrays. Throws on invalid JSON.
 */
export const stringifyWith = (
  fields: Readonly<Record<string, unknown>>,
  name: string,
  text: string
): string => {
  JSON.parse(text)
  const head = JSON.stringify(fields).slice(0, -1)
  return `${head}${head === "{" ? "" : ","}${JSON.stringify(name)}:${text}}`
}

/** Default limit on objects and arrays in one text. Legitimate request bodies stay far below it. */
const MAX_CONTAINERS = 1000

/** The source text of a JSON number, distinct from a JSON string. */
export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/**
 * Parses JSON without losing digits: passes the source text of every number to `onNumber`, which returns that text by
 * default.
 *
 * Fails, with the reason as a predicate, for invalid JSON, for more than `maxContainers` objects and arrays, and for values that
 * PostgreSQL cannot store: NUL, lone surrogates, and (with the default `onNumber`) numbers that are too long.
 */
export const parse = (
  text: string,
  onNumber: (source: string) => unknown = boundedNumber,
  maxContainers: number = MAX_CONTAINERS
): Result.Result<unknown, string> =>
  Result.try({
    try: () => {
      if (text.length > maxContainers && (text.match(/[[{]/g)?.length ?? 0) > maxContainers)
        throw new Unacceptable(`has more than ${maxContainers} opening brackets`)
      if (text === "") throw new Unacceptable("is empty")
      const plain: unknown = JSON.parse(text)
      if (isFlat(plain) && isText(text) && !text.includes("\\")) return plain
      return JSON.parse(text, (key, value: unknown, context?: { readonly source?: string }) => {
        if (!isText(key) || (typeof value === "string" && !isText(value)))
          throw new Unacceptable("contains a NUL character or half of a surrogate pair")
        return typeof value === "number" ? onNumber(context?.source ?? "") : value
      })
    },
    catch: (error) => (error instanceof Unacceptable ? error.message : "is not valid JSON")
  })

/** Valid JSON that is not accepted. */
class Unacceptable extends Error {}

const boundedNumber = (source: string) => {
  if (/^-?\d{1,40}(\.\d{1,60})?([eE][+-]?\d{1,2})?$/.test(source)) return source
  throw new Unacceptable("contains a number that is too long or too large")
}

/** Returns true for an object of strings only, which needs no second parse to preserve numbers. */
const isFlat = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((field) => typeof field === "string")

const isText = (text: string) => text.isWellFormed() && !text.includes("\0")
