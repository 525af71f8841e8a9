import { HttpApiMiddleware } from "effect/http-api"
import * as Problem from "./Problem.ts"

/** Responds to failures of an endpoint with `application/problem+json` (RFC 9457). */
export class ProblemResponses extends HttpApiMiddleware.Service<ProblemResponses>()(
  "effex/api/ProblemResponses",
  {
    error: [
      Problem.InvalidRequest,
      Problem.RequestTimeout,
      Problem.PayloadTooLarge,
      Problem.AddressTooLong,
      Problem.HeadersTooLarge,
      Problem.Internal
    ]
  }
) {}
