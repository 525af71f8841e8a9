import { BigDecimal, Option, Result } from "effect"
import * as FlutterwaveResponse from "../../src/providers/flutterwave/FlutterwaveResponse.ts"
import { pairOf } from "../support/RateTicks.ts"

/** What the answers below are asked for. */
export const asked = { pair: pairOf("NGN", "USD"), amount: BigDecimal.make(1000n, 0) }

type Field = "status" | "rate" | "from" | "source" | "to" | "destination"

/** An answer in today's convention, with the given JSON in place of its own. */
export const body = (changed: Partial<Record<Field, string>> = {}) =>
  `{"status":${changed.status ?? '"success"'},"message":"Transfer rates fetched","data":{` +
  `"rate":${changed.rate ?? "0.000694329"},` +
  `"source":{"currency":${changed.from ?? '"NGN"'},"amount":${changed.source ?? "1440239.425"}},` +
  `"destination":{"currency":${changed.to ?? '"USD"'},"amount":${changed.destination ?? "1000"}}}}`

export const taken = (text: string) => Result.getOrThrow(FlutterwaveResponse.read(text, asked))

export const refused = (text: string) =>
  Option.getOrThrow(Result.getFailure(FlutterwaveResponse.read(text, asked)))
