import * as Attacks from "./Attacks.ts"
import type { Operation, Parameter } from "../Document.ts"
import * as Generators from "./Generators.ts"
import * as Kinds from "./Kinds.ts"
import type { RandomChoice } from "../RandomChoice.ts"
import type { ResponseIds } from "./ResponseIds.ts"

/** Sources of the values of a request. */
export interface Material {
  readonly random: RandomChoice
  readonly responseIds: ResponseIds
  /** True for the values of a caller who knows the API; false for unusual ones too. */
  readonly isValid: boolean
}

/** Share of values from earlier responses, where there are generated ones too. */
const KNOWN_RATIO = 0.5
const UNUSUAL_RATIO = 0.2
/** Share of ids and cursors from responses that are mutated. */
const MUTATED_ID_RATIO = 0.05
/** Share of values that match only the schema. */
const SAMPLE_RATIO = 0.15

/** Plausible value of a kind: from an earlier response, or generated; undefined if there is neither. */
export const plausibleValue = ({ isValid, random, responseIds }: Material, kind: string): unknown => {
  const { usual, unusual } = Generators.of(kind)
  if (isValid) return usual?.(random) ?? responseIds.pick(random, kind)
  const isGenerated = usual !== undefined || unusual !== undefined
  const known = isGenerated && !random.chance(KNOWN_RATIO) ? undefined : responseIds.pick(random, kind)
  const generate = random.chance(UNUSUAL_RATIO) ? (unusual ?? usual) : (usual ?? unusual)
  const value = known ?? generate?.(random)
  return typeof value === "string" &&
    /^(cursor|position|since|last-event-id|if-none-match)$|_id$/.test(kind) &&
    random.chance(MUTATED_ID_RATIO)
    ? mutated(random, value)
    : value
}

/** Returns a value for a parameter of an operation. */
export const parameterValue = (
  material: Material,
  operation: Pick<Operation, "name">,
  { example, isEnum, name, samples }: Pick<Parameter, "example" | "isEnum" | "name" | "samples">
): unknown => {
  const { isValid, random } = material
  const sample = random.pick(samples)
  if (isEnum || (!isValid && random.chance(SAMPLE_RATIO))) return sample
  return (
    plausibleValue(material, Kinds.kindOf(operation.name, name)) ?? (isValid ? example : undefined) ?? sample
  )
}

/** Removes, replaces or doubles a character. */
export const mutated = (random: RandomChoice, text: string): string => {
  const at = random.below(text.length + 1)
  const change = random.pick(["", "A", "0", "-", "=", "\u00e9", "%", text.slice(at, at + 1).repeat(2)])
  return text.slice(0, at) + change + text.slice(at + 1)
}

/** Returns a text that is valid nowhere. */
export const hostile = (random: RandomChoice): string =>
  random.pick(random.chance(0.7) ? Attacks.texts : Attacks.numbers)
