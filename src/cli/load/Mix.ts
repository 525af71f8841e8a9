import { Option } from "effect"
import { type Operation, OPERATIONS } from "./Samples.ts"

/** Weights of the operations, relative to each other. */
export type Mix = ReadonlyArray<readonly [Operation, weight: number]>

export const DEFAULT_MIX = "lookup=50,conversion=20,transfer=15,order=10,stream=5"

/** Parses text such as `lookup=80,transfer=20`. Operations that it does not name are left out. */
export const parse = (text: string): Option.Option<Mix> => {
  const parts = text.split(",").map((part) => /^\s*([a-z]+)=(\d{1,6})\s*$/.exec(part))
  const mix: Array<readonly [Operation, number]> = []
  for (const [, name, weight] of parts.map((part) => part ?? [])) {
    const operation = OPERATIONS.find((operation) => operation === name)
    if (operation === undefined || mix.some(([known]) => known === operation)) return Option.none()
    mix.push([operation, Number(weight)])
  }
  return mix.some(([, weight]) => weight > 0) ? Option.some(mix) : Option.none()
}

/** Returns the operation at a place of the mix, from 0 (inclusive) to 1 (exclusive). */
export const pick = (mix: Mix, place: number): Operation => {
  const total = mix.reduce((sum, [, weight]) => sum + weight, 0)
  let left = place * total
  for (const [operation, weight] of mix) {
    left -= weight
    if (left < 0) return operation
  }
  return mix[0]?.[0] ?? "lookup"
}
