import { BigDecimal, Option, Result } from "effect"
import * as FlutterwaveResponse from "../../../src/providers/flutterwave/FlutterwaveResponse.ts"
import { pairOf } from "../../support/RateTicks.ts"

/** Request of the responses below. */
export const request = { pair: pairOf("NGN", "USD"), amount: BigDecimal.make(1000n, 0) }

type Field = "status" | "rate" | "from" | "source" | "to" | "destination"

/** A response in the current convention, with some fields replaced by the given JSON. */
export const body = (overrides: Partial<Record<Field, string>> = {}) =>
  `{"status":${overrides.status ?? '"success"'},"message":"Transfer rates fetched","data":{` +
  `"rate":${overrides.rate ?? "0.000694329"},` +
  `"source":{"currency":${overrides.from ?? '"NGN"'},"amount":${overrides.source ?? "1440239.425"}},` +
  `"destination":{"currency":${overrides.to ?? '"USD"'},"amount":${overrides.destination ?? "1000"}}}}`

export const accepted = (text: string) => Result.getOrThrow(FlutterwaveResponse.read(text, request))

export const rejected = (text: string) =>
  Option.getOrThrow(Result.getFailure(FlutterwaveResponse.read(text, request)))
