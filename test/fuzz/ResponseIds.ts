import type { RandomChoice } from "./RandomChoice.ts"

/** How many values of one name are remembered: the last ones. */
const KEPT = 64
/** How deep, and how wide, an answer is looked through. */
const MAX_DEPTH = 5
const MAX_ITEMS = 40

/** Words that an answer calls something else than the next request does. */
const otherNames = new Map([
  ["cursor", ["next"]],
  ["after", ["tree_size"]],
  ["start", ["fetched_at"]],
  ["end", ["fetched_at", "recorded_at"]],
  ["at", ["fetched_at", "recorded_at", "at"]],
  ["known_at", ["recorded_at"]],
  ["until", ["converted_at"]],
  ["since", ["position", "converted_at"]],
  ["last-event-id", ["position"]],
  ["if-none-match", ["etag"]]
])

/** What earlier answers told, for later requests to ask about. */
export interface ResponseIds {
  readonly reap: (json: unknown) => void
  readonly keep: (name: string, value: string) => void
  /** A value that was told under this name, or one that may be meant by it. */
  readonly draw: (dice: RandomChoice, name: string) => string | undefined
}

/** An empty one. */
export const make = (): ResponseIds => {
  const kept = new Map<string, Array<string>>()

  const keep = (name: string, value: string) => {
    const values = kept.get(name) ?? []
    kept.set(name, values)
    values.push(value)
    if (values.length > KEPT) values.shift()
  }

  const reap = (json: unknown, depth = 0): void => {
    if (typeof json !== "object" || json === null || depth > MAX_DEPTH) return
    const entries = Object.entries(json)
    for (const [name, value] of entries.slice(0, MAX_ITEMS)) {
      if (typeof value === "object") reap(value, depth + 1)
      else if (value !== "" && (typeof value === "string" || typeof value === "number"))
        keep(/^\d+$/.test(name) ? "item" : name, String(value).slice(0, 300))
    }
  }

  const valuesOf = (name: string): ReadonlyArray<string> => {
    const found = [name, ...(otherNames.get(name) ?? [])].flatMap((each) => kept.get(each) ?? [])
    if (found.length > 0 || !/(^|_)id$/.test(name)) return found
    return Array.from(kept)
      .filter(([other]) => /(^|_)id$/.test(other))
      .flatMap(([, values]) => values)
  }

  return {
    reap,
    keep,
    draw: (dice, name) => {
      const values = valuesOf(name)
      return values.length === 0 ? undefined : dice.pick(values)
    }
  }
}
