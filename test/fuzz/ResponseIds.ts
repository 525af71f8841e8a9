import type { RandomChoice } from "./RandomChoice.ts"

/** Number of values kept per name; the oldest is dropped first. */
const MAX_VALUES_PER_NAME = 64
/** Limits for the search through a response. */
const MAX_DEPTH = 5
const MAX_ITEMS = 40

/** Request parameters whose values have other names in responses. */
const responseNames = new Map([
  ["cursor", ["next"]],
  ["after", ["tree_size"]],
  ["start", ["fetched_at"]],
  ["end", ["fetched_at", "recorded_at"]],
  ["at", ["fetched_at", "recorded_at", "at"]],
  ["known_at", ["recorded_at"]],
  ["until", ["converted_at"]],
  ["since", ["position", "converted_at"]],
  ["last-event-id", ["position"]],
  ["if-match", ["etag"]],
  ["if-none-match", ["etag"]]
])

/** Values from earlier responses, for use in later requests. */
export interface ResponseIds {
  /** Adds all scalar values of a response. An `id` is also added under the name of the parameter that takes it. */
  readonly addAll: (json: unknown, idParameter?: string) => void
  readonly add: (name: string, value: string) => void
  /** A value with this name, or an id that may match it; undefined if there is none. */
  readonly pick: (random: RandomChoice, name: string) => string | undefined
}

/** Makes an empty collection, which ignores the excluded values. */
export const make = (excluded: ReadonlySet<string> = new Set()): ResponseIds => {
  const valuesByName = new Map<string, Array<string>>()

  const add = (name: string, value: string) => {
    if (excluded.has(value)) return
    const values = valuesByName.get(name) ?? []
    valuesByName.set(name, values)
    values.push(value)
    if (values.length > MAX_VALUES_PER_NAME) values.shift()
  }

  const addAll = (json: unknown, idParameter?: string, depth = 0): void => {
    if (typeof json !== "object" || json === null || depth > MAX_DEPTH) return
    if (idParameter !== undefined && "id" in json) add(idParameter, String(json.id))
    const entries = Object.entries(json)
    for (const [name, value] of entries.slice(0, MAX_ITEMS)) {
      if (name === "user" && typeof value === "object" && value !== null && "id" in value)
        add("user_id", String(value.id))
      if (typeof value === "object") addAll(value, idParameter, depth + 1)
      else if (value !== "" && (typeof value === "string" || typeof value === "number"))
        add(/^\d+$/.test(name) ? "item" : name, String(value).slice(0, 300))
    }
  }

  const valuesOf = (name: string): ReadonlyArray<string> => {
    const found = [name, ...(responseNames.get(name) ?? [])].flatMap(
      (candidate) => valuesByName.get(candidate) ?? []
    )
    if (found.length > 0 || !/(^|_)id$/.test(name)) return found
    return Array.from(valuesByName)
      .filter(([other]) => /(^|_)id$/.test(other))
      .flatMap(([, values]) => values)
  }

  return {
    addAll,
    add,
    pick: (random, name) => {
      const values = valuesOf(name)
      return values.length === 0 ? undefined : random.pick(values)
    }
  }
}
