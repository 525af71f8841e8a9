import { HttpApiError } from "effect/http-api"
import { declare, members } from "./ProblemDefinition.ts"

/** Problems of pairs and their rates. */

export class UnsupportedCurrency extends HttpApiError.Problem<UnsupportedCurrency>()(
  "UnsupportedCurrency",
  declare("unsupported-currency", 422, "The currency or asset is not supported"),
  members("unsupported-currency", false)
) {}

export class UnsupportedPair extends HttpApiError.Problem<UnsupportedPair>()(
  "UnsupportedPair",
  declare("unsupported-pair", 422, "The pair is not supported"),
  members("unsupported-pair", false)
) {}

export class RateTooOld extends HttpApiError.Problem<RateTooOld>()(
  "RateTooOld",
  declare("rate-too-old", 503, "No rate is fresh enough"),
  members("rate-too-old", true)
) {
  /** Seconds until the caller may demand a refresh again, for the header `Retry-After`. Not part of the body. */
  retryAfter: number | undefined
}

export class RateUnavailable extends HttpApiError.Problem<RateUnavailable>()(
  "RateUnavailable",
  declare("rate-unavailable", 503, "No rate is available"),
  members("rate-unavailable", true)
) {
  /** Seconds until a provider may be asked again, for the header `Retry-After`. Not part of the body. */
  retryAfter: number | undefined
}
