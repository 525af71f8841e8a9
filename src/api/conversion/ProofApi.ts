import { HttpApiEndpoint, HttpApiGroup, OpenApi } from "effect/http-api"
import { RequireAuditScope } from "../access/HttpAuthorization.ts"
import { describe } from "../EndpointDescription.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { VerificationMessage } from "./ConversionMessage.ts"
import { ConsistencyMessage, KeysMessage, VerifyBody } from "./ProofMessage.ts"

/** Proofs that an earlier state of the audit is a prefix of the current one. */
export class ProofApi extends HttpApiGroup.make("proof")
  .add(
    HttpApiEndpoint.post("verifyHeads", "/verify", {
      payload: VerifyBody,
      success: VerificationMessage,
      error: [Problem.StoreUnavailable, Problem.Overloaded]
    }).annotateMerge(
      describe(
        "Verify the whole audit against signed heads that you kept",
        "Recomputes all hashes, and verifies that the records of each head are the first records of the audit. Reports the first contradiction. One head proves all records before it, so the newest one is usually enough."
      )
    ),
    HttpApiEndpoint.get("consistency", "/consistency", {
      query: { from: PageMessage.WholeNumber, to: PageMessage.WholeNumber },
      success: ConsistencyMessage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "Get the consistency proof between two sizes of the audit",
        "Returns the hashes of RFC 6962 (2.1.2). With a signed head of each size, anyone can verify that the smaller audit is a prefix of the larger one, without effex and without its records."
      )
    ),
    HttpApiEndpoint.get("keys", "/keys", {
      success: KeysMessage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "Get the key that signs the audit, and its rotations",
        "Each rotation is signed by the previous and by the new key, so that a client that knows one of them can verify heads that are signed by the other."
      )
    )
  )
  .prefix("/api/v1/audit")
  .middleware(RequireAuditScope)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "Audit proofs",
      description:
        "Requires an API key with the scope `audit:read`, except in the sandbox and with ALLOW_ANONYMOUS_CONVERT."
    })
  ) {}
