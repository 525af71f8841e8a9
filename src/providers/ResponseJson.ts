import { Option } from "effect"
import { Contradictory, excerpt, Malformed, type ProviderReason } from "./ProviderError.ts"

/**
 * Stands for a value that an object gives more than once, differently. `JSON.parse` would silently take the last one.
 * A symbol, so that every schema rejects it where it is read, and only there.
 */
export const AMBIGUOUS: unique symbol = Symbol("ambiguous")

/** Default limit on objects and arrays. A table of all currencies stays far below it. */
const MAX_CONTAINERS = 1000

/**
 * Parses a provider's response. Numbers become their source text, so that no digit is lost, whatever their length.
 * Returns none for invalid JSON and for more than `maxContainers` objects and arrays.
 */
export const parse = (text: string, maxContainers: number = MAX_CONTAINERS): Option.Option<unknown> =>
  Option.liftThrowable(() => {
    if (text.length > maxContainers && (text.match(/[[{]/g)?.length ?? 0) > maxContainers)
      throw new SyntaxError("too many objects and arrays")
    // Validates the text, so that the reader below can rely on its syntax.
    JSON.parse(text)
    return readValue(tokensOf(text))
  })()

/** Reason for a response that cannot be decoded; `json` is its parsed body, if it is JSON. */
export const rejection = (body: string, json: Option.Option<unknown>): ProviderReason => {
  if (Option.isNone(json)) return new Malformed({ detail: `not JSON: ${excerpt(body)}` })
  const ambiguous = findAmbiguous(json.value, "")
  return ambiguous === undefined
    ? new Malformed({ detail: "fields are missing or have another type" })
    : new Contradictory({ detail: `${excerpt(ambiguous)} is given more than once, with different values` })
}

/** Describes a parsed value for a message. */
export const describe = (value: unknown): string => {
  if (value === AMBIGUOUS) return "different values"
  if (typeof value === "string") return value === "" ? "an empty text" : excerpt(value)
  if (Array.isArray(value)) return "an array"
  return typeof value === "object" && value !== null ? "an object" : String(value)
}

const TOKEN = /[ \t\n\r]*([{}[\],:]|"[^"\\]*(?:\\.[^"\\]*)*"|[^ \t\n\r{}[\],:"]+)/y

/** Returns a function that returns the next token of valid JSON. */
const tokensOf = (text: string) => {
  let position = 0
  return () => {
    TOKEN.lastIndex = position
    const [, token = ""] = TOKEN.exec(text) ?? []
    position = TOKEN.lastIndex
    return token
  }
}

type Tokens = ReturnType<typeof tokensOf>

const readValue = (next: Tokens, token: string = next()): unknown => {
  switch (token) {
    case "{":
      return readObject(next)
    case "[":
      return readArray(next)
    case "true":
      return true
    case "false":
      return false
    case "null":
      return null
    default:
      return token.startsWith('"') ? JSON.parse(token) : token
  }
}

const readArray = (next: Tokens): ReadonlyArray<unknown> => {
  const values: Array<unknown> = []
  for (let token = next(); token !== "]"; token = next())
    if (token !== ",") values.push(readValue(next, token))
  return values
}

const readObject = (next: Tokens): unknown => {
  const fields = new Map<string, unknown>()
  for (let token = next(); token !== "}"; token = next()) {
    if (token === ",") continue
    const key = String(JSON.parse(token))
    next() // The colon.
    const value = readValue(next)
    const isRepetition = fields.has(key) && JSON.stringify(fields.get(key)) === JSON.stringify(value)
    fields.set(key, fields.has(key) && !isRepetition ? AMBIGUOUS : value)
  }
  // Unlike an assignment, this cannot change the prototype.
  return Object.fromEntries(fields)
}

/** Returns the path of the first ambiguous value, such as `data.rate`. */
const findAmbiguous = (value: unknown, path: string): string | undefined => {
  if (value === AMBIGUOUS) return path
  if (typeof value !== "object" || value === null) return undefined
  for (const [key, field] of Object.entries(value)) {
    const found = findAmbiguous(field, path === "" ? key : `${path}.${key}`)
    if (found !== undefined) return found
  }
  return undefined
}
