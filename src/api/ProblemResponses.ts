import { HttpApiMiddleware } from "effect/http-api"
import * as Problem from "./Problem.ts"

/** Answers every failure of an endpoint as `application/problem+json` (RFC 9457). */
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
