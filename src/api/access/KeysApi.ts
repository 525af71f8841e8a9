import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiSchema, OpenApi } from "effect/http-api"
import { ReasonBody } from "../accounts/UserAdminMessage.ts"
import { describe } from "../EndpointDescription.ts"
import * as PageMessage from "../PageMessage.ts"
import * as Problem from "../Problem.ts"
import { ProblemResponses } from "../ProblemResponses.ts"
import { RequireAdministrator } from "./HttpAuthorization.ts"
import { CreatedKeyMessage, KeyMessage, KeyPage, NewKeyBody } from "./KeyMessage.ts"

/** Administration of API keys. */
export class KeysApi extends HttpApiGroup.make("keys")
  .add(
    HttpApiEndpoint.get("list", "/keys", {
      query: PageMessage.query,
      success: KeyPage,
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "List API keys",
        "Returns all keys, newest first, including expired and revoked ones, with the last four characters of each. Follow `next` for more pages."
      )
    ),
    HttpApiEndpoint.post("create", "/keys", {
      payload: NewKeyBody,
      success: CreatedKeyMessage.pipe(HttpApiSchema.status(201)),
      error: Problem.StoreUnavailable
    }).annotateMerge(
      describe(
        "Create an API key",
        "Returns the key once: only its hash is stored. Only an administrator who is signed in may create keys; an API key gets `forbidden`, so that a leaked key cannot create others. No scope includes another."
      )
    ),
    HttpApiEndpoint.post("revoke", "/keys/:key_id/revoke", {
      params: { key_id: Schema.String },
      payload: ReasonBody,
      success: KeyMessage,
      error: [Problem.NotFound, Problem.StoreUnavailable]
    }).annotateMerge(
      describe(
        "Revoke an API key",
        "Permanent. Every node rejects the key within 10 seconds. Revoking a revoked key changes nothing."
      )
    )
  )
  .prefix("/api/v1/admin")
  .middleware(RequireAdministrator)
  .middleware(ProblemResponses)
  .annotateMerge(
    OpenApi.annotations({
      title: "API keys",
      description:
        "Keys of programs. Requires an administrator, also in the sandbox. Each action is recorded with its reason."
    })
  ) {}
