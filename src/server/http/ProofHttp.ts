import { Effect, Stream } from "effect"
import { HttpApiBuilder } from "effect/http-api"
import { Api } from "../../api/Api.ts"
import { AuditKeys } from "../../audit/keys/AuditKeys.ts"
import { AuditVerifier, toVerificationMessage } from "../../audit/AuditVerifier.ts"
import { Consistency, type SizeOutOfRange } from "../../audit/tree/Consistency.ts"
import * as HeadMessage from "../../audit/heads/HeadMessage.ts"
import * as KeyRotation from "../../audit/keys/KeyRotation.ts"
import * as Problems from "../middleware/Problems.ts"

/** Handlers of the audit proofs. */
export const layer = HttpApiBuilder.group(
  Api,
  "proof",
  Effect.fn(function* (handlers) {
    const verifier = yield* AuditVerifier
    const consistency = yield* Consistency
    const keys = yield* AuditKeys

    return handlers.handleAll({
      verifyHeads: ({ payload: { heads, public_key } }) =>
        verifier
          .verifyWith({
            heads: Stream.fromIterable(heads.map(HeadMessage.fromMessage)),
            ...(public_key === undefined ? {} : { publicKeys: [Buffer.from(public_key, "hex")] })
          })
          .pipe(Effect.map(toVerificationMessage), Effect.catchTags(Problems.storeErrors)),

      consistency: Effect.fnUntraced(function* ({ query: { from, to } }) {
        const proof = yield* consistency.prove(from, to).pipe(
          Effect.catchTags({
            ...Problems.storeErrors,
            SizeOutOfRange: ({ detail, parameter }: SizeOutOfRange) =>
              Effect.fail(Problems.invalid(`/query/${parameter}`, detail))
          })
        )
        return { from, to, proof: proof.map((hash) => hash.toString("hex")) }
      }),

      keys: () =>
        keys.rotations.pipe(
          Effect.map((rotations) => ({
            public_key: keys.publicKey.toString("hex"),
            rotations: rotations.map(KeyRotation.toMessage)
          })),
          Effect.catchTags(Problems.storeErrors)
        )
    })
  })
)
