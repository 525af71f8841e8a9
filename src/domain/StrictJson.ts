import { Option } from "effect"

/**
 * Parses JSON that is part of a proof. Returns none for invalid JSON, for an object that repeats a key, because readers
 * disagree on which of the values counts, for text with a lone surrogate, which has no UTF-8 encoding, and for numbers
 * that are not written as integers.
 */
export const parse = (text: string): Option.Option<unknown> =>
  Option.liftThrowable(() => {
    const value: unknown = JSON.parse(text)
    const strings = text.match(STRING) ?? []
    const keys = strings.filter((string) => string.endsWith(":"))
    if (keys.length !== countKeys(value)) throw new SyntaxError("repeated key")
    if (!text.isWellFormed() || !strings.every(hasOnlyPairedEscapes)) throw new SyntaxError("lone surrogate")
    if (/\d[.eE]/.test(text.replaceAll(STRING, ""))) throw new SyntaxError("not an integer")
    return value
  })()

/** A string of valid JSON, with the colon that follows a key. */
const STRING = /"(?:[^"\\]|\\.)*"(?:\s*:)?/g

const hasOnlyPairedEscapes = (string: string) =>
  !string.includes("\\u") || String(JSON.parse(string.replace(/\s*:$/, ""))).isWellFormed()

/** Counts the keys of all objects. Uses no recursion, because the nesting of untrusted text may be deep. */
const countKeys = (value: unknown): number => {
  let count = 0
  const pending = [value]
  while (pending.length > 0) {
    const next = pending.pop()
    if (typeof next !== "object" || next === null) continue
    if (!Array.isArray(next)) count += Object.keys(next).length
    for (const child of Object.values(next)) pending.push(child)
  }
  return count
}
