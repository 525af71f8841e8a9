import { Predicate } from "effect"
import type { Operation } from "../Document.ts"
import * as Generators from "./Generators.ts"
import * as Kinds from "./Kinds.ts"
import * as Values from "./Values.ts"

/** Share of bodies that are a documented example with known ids, or a sample of the schema without a change. */
const UNCHANGED_RATIO = { valid: 0.3, unusual: 0.1 }
/** Share of optional members that a valid body has, beyond those of the example. */
const OPTIONAL_RATIO = 0.2
/** Share of known ids in other bodies. A wrong id would make the server reject the whole body. */
const ID_RATIO = 0.5

/** Pairs of members of which a request has one. */
const exclusiveMembers = [
  ["amount", "notional"],
  ["asset", "crypto"],
  ["username", "mfa_token"]
] as const

type JsonObject = Readonly<Record<string, unknown>>
const isJsonObject = (value: unknown): value is JsonObject => Predicate.isObject(value)

/**
 * Returns a body. One that has to be valid is made of the current representation of the resource, if it is known, or else of the
 * documented example; any other of a sample of its schema.
 */
export const make = (
  material: Values.Material,
  { bodies, exampleBody, name }: Pick<Operation, "bodies" | "exampleBody" | "name">,
  current?: unknown
): unknown => {
  const { isValid, random } = material
  const sample = random.pick(bodies)
  if (!isValid || exampleBody === undefined)
    return !isJsonObject(sample) || random.chance(UNCHANGED_RATIO.unusual)
      ? sample
      : withoutExclusive(material, unusualMembers(material, name, sample))
  if (!isJsonObject(exampleBody)) return exampleBody
  const isExample = random.chance(UNCHANGED_RATIO.valid)
  const base = isJsonObject(current) ? membersOf(current, bodies.flatMap(namesOf)) : {}
  const example = { ...exampleBody, ...base }
  const optional = isJsonObject(sample)
    ? Object.keys(sample).filter((member) => !(member in example) && random.chance(OPTIONAL_RATIO))
    : []
  return withoutExclusive(material, {
    ...validMembers(material, name, example, isExample),
    ...Object.fromEntries(
      optional.flatMap((member) => validMember(material, name, member, undefined, isExample))
    )
  })
}

/** Replaces the members that have plausible values, at any depth; of an example only those that name something. */
const validMembers = (
  material: Values.Material,
  operation: string,
  members: JsonObject,
  isExample: boolean
): JsonObject =>
  Object.fromEntries(
    Object.entries(members).flatMap(([name, value]) =>
      validMember(material, operation, name, value, isExample)
    )
  )

const validMember = (
  material: Values.Material,
  operation: string,
  name: string,
  value: unknown,
  isExample: boolean
): ReadonlyArray<readonly [string, unknown]> => {
  if (isJsonObject(value)) return [[name, validMembers(material, operation, value, isExample)]]
  const kind = Kinds.kindOf(operation, name)
  const isReplaced = Kinds.isReference(kind) || (!isExample && Generators.of(kind).usual !== undefined)
  const member = (isReplaced ? Values.plausibleValue(material, kind) : undefined) ?? value
  return member === undefined ? [] : [[name, member]]
}

const unusualMembers = (material: Values.Material, operation: string, sample: JsonObject): JsonObject =>
  Object.fromEntries(
    Object.entries(sample).flatMap(([name, value]) => {
      const known =
        typeof value === "boolean"
          ? undefined
          : Values.plausibleValue(material, Kinds.kindOf(operation, name))
      if (name.endsWith("_id") && (known === undefined || !material.random.chance(ID_RATIO))) return []
      return [[name, known ?? value]]
    })
  )

const withoutExclusive = ({ random }: Values.Material, members: JsonObject): JsonObject => {
  const omitted = new Set(
    exclusiveMembers.flatMap((pair) =>
      pair.every((name) => name in members) ? [random.pick<string>(pair)] : []
    )
  )
  return Object.fromEntries(Object.entries(members).filter(([name]) => !omitted.has(name)))
}

const namesOf = (sample: unknown) => (isJsonObject(sample) ? Object.keys(sample) : [])

/** Members with these names, of a representation or of an object in it. */
const membersOf = (representation: JsonObject, names: ReadonlyArray<string>): JsonObject =>
  Object.assign(
    {},
    ...[...Object.values(representation).filter(isJsonObject), representation].map((members) =>
      Object.fromEntries(Object.entries(members).filter(([name]) => names.includes(name)))
    )
  )
