import { Option } from "effect"
import type { BigDecimal } from "effect"
import * as Decimal from "./Decimal.ts"

declare global {
  interface JSON {
    /** A value that `JSON.stringify` writes as the given JSON text (ES2026). */
    rawJSON(text: string): unknown
  }
}

/** A decimal that `JSON.stringify` writes as a JSON number with all of its digits. */
export const number = (value: BigDecimal.BigDecimal): unknown => JSON.rawJSON(Decimal.format(value))

/**
 * JSON text that `JSON.stringify` writes with every number digit for digit; only its white space goes. `JSON.rawJSON`
 * alone takes no objects and no arrays. Throws for what is no JSON.
 */
export const raw = (text: string): unknown =>
  JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) =>
    typeof value === "number" ? JSON.rawJSON(context?.source ?? "") : value
  )

/** More containers than this in one text is an attack, not data, where nobody expects a long list. */
const MAX_CONTAINERS = 1000

/** A number as it was written in JSON, told from a string. */
export class JsonNumber {
  readonly text: string
  constructor(text: string) {
    this.text = text
  }
}

/**
 * Reads JSON with every number as `onNumber` makes it of the text that it was written as, since a double would lose
 * digits; without `onNumber`, as that text. None for what is no JSON, and for what Postgres could not keep as such: NUL
 * and broken surrogates, absurd numbers, thousands of levels; nor for more than `maxContainers` objects and arrays.
 */
export const parse = (
  text: string,
  onNumber: (source: string) => unknown = keepable,
  maxContainers: number = MAX_CONTAINERS
): Option.Option<unknown> =>
  Option.liftThrowable(() => {
    if (text.length > maxContainers && (text.match(/[[{]/g)?.length ?? 0) > maxContainers)
      throw new SyntaxError("too deep")
    const plain: unknown = JSON.parse(text)
    if (isFlat(plain) && isText(text) && !text.includes("\\")) return plain
    return JSON.parse(text, (key, value: unknown, context?: { readonly source?: string }) => {
      if (!isText(key) || (typeof value === "string" && !isText(value))) throw new SyntaxError("not text")
      return typeof value === "number" ? onNumber(context?.source ?? "") : value
    })
  })()

const keepable = (source: string) => {
  if (/^-?\d{1,40}(\.\d{1,60})?([eE][+-]?\d{1,2})?$/.test(source)) return source
  throw new SyntaxError("not a number to keep")
}

/** Texts alone are what they are, and need not be read with an eye on numbers. */
const isFlat = (value: unknown): boolean =>
  typeof value === "object" &&
  value !== null &&
  !Array.isArray(value) &&
  Object.values(value).every((field) => typeof field === "string")

const isText = (text: string) => text.isWellFormed() && !text.includes("\0")
