import { Predicate } from "effect"
import * as Kinds from "./Kinds.ts"
import type { Operation } from "../Document.ts"
import { jsonOf, type RawResponse } from "../RawResponse.ts"
import type { RandomChoice } from "../RandomChoice.ts"

/** Number of values kept per kind; the oldest is dropped first. */
const MAX_VALUES_PER_KIND = 64
/** Newest values, whose state has had little time to change, and the share of choices among them. */
const NEWEST_VALUES = 4
const NEWEST_RATIO = 0.5
/** Share of values that belong to the caller, if it has any. */
const OWN_VALUE_RATIO = 0.8
/** Limits for the search through a response. */
const MAX_DEPTH = 5
const MAX_ITEMS = 40

/** Kinds of request values that have other names in responses. */
const responseNames = new Map([
  ["cursor", ["next"]],
  ["after", ["tree_size"]],
  ["start", ["fetched_at"]],
  ["end", ["fetched_at", "recorded_at"]],
  ["at", ["fetched_at", "recorded_at", "at"]],
  ["known_at", ["recorded_at"]],
  ["until", ["converted_at", "created_at"]],
  ["time", ["created_at"]],
  ["since", ["converted_at", "created_at"]],
  ["last-event-id", ["position"]],
  ["if-none-match", ["etag"]]
])

/** Values from earlier responses, for use in later requests. */
export interface ResponseIds {
  /**
   * Adds all scalar values of a response. The `id` of the resource, or of each item of a page, is also added under the parameter
   * that takes it.
   */
  readonly addAll: (json: unknown, operation?: Pick<Operation, "idParameter" | "name">) => void
  readonly add: (kind: string, value: unknown) => void
  /** A value of this kind, or an id that may match it; undefined if there is none. */
  readonly pick: (random: RandomChoice, kind: string) => unknown
  /** Values that are never added. */
  readonly excluded: ReadonlySet<string>
}

/** Makes an empty collection, which ignores the excluded values. */
export const make = (excluded: ReadonlySet<string> = new Set()): ResponseIds => {
  const { valuesOf, ...collection } = makeCollection(excluded)
  return {
    ...collection,
    excluded,
    pick: (random, kind) => {
      const values = valuesOf(kind)
      return pickFrom(random, values.length > 0 || !Kinds.isId(kind) ? values : collection.allIds())
    }
  }
}

/** Makes the collection of one caller. What it learns is also added to the shared collection, from which it takes other values. */
export const own = (shared: ResponseIds): ResponseIds => {
  const { excluded } = shared
  const { valuesOf, ...collection } = makeCollection(excluded)
  return {
    excluded,
    addAll: (json, operation) => {
      collection.addAll(json, operation)
      shared.addAll(json, operation)
    },
    add: collection.add,
    pick: (random, kind) =>
      (random.chance(OWN_VALUE_RATIO) ? pickFrom(random, valuesOf(kind)) : undefined) ??
      shared.pick(random, kind)
  }
}

/** Adds all values of a successful response of an operation. */
export const collect = (
  responseIds: ResponseIds,
  response: RawResponse,
  operation: Operation | undefined
) => {
  const { body, headers, status } = response
  if (status >= 400) return
  const etag = headers.get("etag")
  if (etag !== undefined) responseIds.add("etag", etag)
  const [, position] = /^id: ?(.+)$/m.exec(body.toString()) ?? []
  if (position !== undefined) responseIds.add("position", position)
  responseIds.addAll(jsonOf(response), operation)
}

const pickFrom = (random: RandomChoice, values: ReadonlyArray<unknown>): unknown =>
  values.length === 0
    ? undefined
    : random.pick(random.chance(NEWEST_RATIO) ? values.slice(-NEWEST_VALUES) : values)

const makeCollection = (excluded: ReadonlySet<string>) => {
  const valuesByKind = new Map<string, Array<unknown>>()

  const add = (kind: string, value: unknown) => {
    if (typeof value === "string" && excluded.has(value)) return
    const values = valuesByKind.get(kind) ?? []
    valuesByKind.set(kind, values)
    values.push(value)
    if (values.length > MAX_VALUES_PER_KIND) values.shift()
  }

  const addValues = (json: unknown, operation: string, depth: number): void => {
    if (typeof json !== "object" || json === null || depth > MAX_DEPTH) return
    for (const [name, value] of Object.entries(json).slice(0, MAX_ITEMS)) {
      const kind = Array.isArray(json) ? "item" : Kinds.kindOf(operation, name)
      if (typeof value === "object") {
        if (Array.isArray(value) && Kinds.isReference(kind)) add(kind, value.slice(0, MAX_ITEMS))
        if (hasId(value) && kind !== "item") add(`${kind}_id`, value.id)
        addValues(value, operation, depth + 1)
      } else if (value !== "" && (typeof value === "string" || typeof value === "number"))
        add(kind, String(value).slice(0, 300))
    }
  }

  const addAll: ResponseIds["addAll"] = (
    json,
    { idParameter, name } = { idParameter: undefined, name: "" }
  ) => {
    if (idParameter !== undefined)
      for (const item of itemsOf(json).slice(0, MAX_ITEMS)) if (hasId(item)) add(idParameter, String(item.id))
    addValues(json, name, 0)
  }

  return {
    add,
    addAll,
    valuesOf: (kind: string) =>
      [kind, ...(responseNames.get(kind) ?? [])].flatMap((candidate) => valuesByKind.get(candidate) ?? []),
    allIds: () =>
      Array.from(valuesByKind)
        .filter(([kind]) => Kinds.isId(kind))
        .flatMap(([, values]) => values)
  }
}

const hasId = Predicate.hasProperty("id")

/** Items of a page, or else the resource itself. */
const itemsOf = (json: unknown): ReadonlyArray<unknown> =>
  Predicate.hasProperty(json, "data") && Array.isArray(json.data) ? json.data : [json]
