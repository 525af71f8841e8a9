import { HttpApiError } from "effect/http-api"
import { declare, members } from "./ProblemDefinition.ts"

/** Problems of a node that cannot answer. */

export class Internal extends HttpApiError.Problem<Internal>()(
  "Internal",
  declare("internal", 500, "Internal server error"),
  members("internal", true)
) {}

export class StoreUnavailable extends HttpApiError.Problem<StoreUnavailable>()(
  "StoreUnavailable",
  declare("store-unavailable", 503, "The database cannot answer the request now"),
  members("store-unavailable", true)
) {}

export class Overloaded extends HttpApiError.Problem<Overloaded>()(
  "Overloaded",
  declare("overloaded", 503, "The node has too much to do"),
  members("overloaded", true)
) {}

export class ClockSkewed extends HttpApiError.Problem<ClockSkewed>()(
  "ClockSkewed",
  declare("clock-skewed", 503, "The clock of the node is wrong"),
  members("clock-skewed", true)
) {}
