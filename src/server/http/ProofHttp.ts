import { Effect, Result, Schema, Stream } from "effect"
import { HttpServerResponse } from "effect/http"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import { VerifyBody } from "../../api/conversion/ProofMessage.ts"
import { InvalidRequest } from "../../api/Problem.ts"
import { AuditKeys } from "../../audit/keys/AuditKeys.ts"
import { AuditVerifier } from "../../audit/AuditVerifier.ts"
import { Consistency, type SizeOutOfRange } from "../../audit/tree/Consistency.ts"
import * as Verification from "../../audit/Verification.ts"
import * as HeadMessage from "../../audit/heads/HeadMessage.ts"
import * as KeyRotation from "../../audit/keys/KeyRotation.ts"
import * as ExactJson from "../../domain/money/ExactJson.ts"
import * as Problems from "../middleware/Problems.ts"
import * as InvalidRequests from "./InvalidRequests.ts"
import * as JsonBody from "../encoding/JsonBody.ts"

/** Handlers of the audit proofs. */
export const layer = HttpApiBuilder.group(
  Api,
  "proof",
  Effect.fn(function* (handlers) {
    const verifier = yield* AuditVerifier
    const consistency = yield* Consistency
    const keys = yield* AuditKeys

    return handlers
      .handleRaw(
        "verifyHeads",
        Effect.fnUntraced(function* ({ request }) {
          const { heads, public_key } = yield* readBody(request)
          const verification = yield* verifier
            .verifyWith({
              heads: Stream.fromIterable(heads.map(HeadMessage.fromMessage)),
              ...(public_key === undefined ? {} : { publicKeys: [Buffer.from(public_key, "hex")] })
            })
            .pipe(Effect.catchTags(Problems.storeErrors))
          return HttpServerResponse.jsonUnsafe(Verification.toMessage(verification))
        })
      )
      .handle(
        "consistency",
        Effect.fnUntraced(function* ({ query: { from, to } }) {
          const proof = yield* consistency.prove(from, to).pipe(
            Effect.catchTags({
              ...Problems.storeErrors,
              SizeOutOfRange: ({ detail, parameter }: SizeOutOfRange) =>
                Effect.fail(Problems.invalid(`/query/${parameter}`, detail))
            })
          )
          return { from, to, proof: proof.map((hash) => hash.toString("hex")) }
        })
      )
      .handle("keys", () =>
        keys.rotations.pipe(
          Effect.map((rotations) => ({
            public_key: keys.publicKey.toString("hex"),
            rotations: rotations.map(KeyRotation.toMessage)
          })),
          Effect.catchTags(Problems.storeErrors)
        )
      )
  })
)

const decodeBody = Schema.decodeUnknownResult(VerifyBody, { onExcessProperty: "error", errors: "all" })

/** Reads heads with plain numbers. Accepts any content type, like all endpoints that take JSON. */
const readBody = JsonBody.makeReader((text) => {
  const json = ExactJson.parse(text, Number)
  if (Result.isFailure(json)) return Result.fail(new InvalidRequest({ detail: `The body ${json.failure}` }))
  return Result.mapError(decodeBody(json.success), (cause) =>
    InvalidRequests.toProblem({ cause, kind: "Payload" })
  )
})
