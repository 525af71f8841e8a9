import { Context, Effect, Layer, Option, Schema } from "effect"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import * as ConsistencyProof from "./ConsistencyProof.ts"
import { SealRepo } from "../SealRepo.ts"

/** There is no consistency proof between two sizes. */
export class SizeOutOfRange extends Schema.TaggedError<SizeOutOfRange>()("SizeOutOfRange", {
  parameter: Schema.Literals(["from", "to"]),
  detail: Schema.String
}) {
  override get message(): string {
    return `${this.parameter} ${this.detail}`
  }
}

/** Proofs that an earlier state of the audit is a prefix of a later one. */
export class Consistency extends Context.Service<
  Consistency,
  {
    /**
     * Returns the consistency proof of RFC 6962 (2.1.2) between two tree sizes, at least 1 and at most the number of sealed
     * records. Together with a signed head of each size it proves, without the records, that the first is a prefix.
     */
    readonly prove: (
      from: number,
      to: number
    ) => Effect.Effect<ReadonlyArray<Buffer>, SizeOutOfRange | StoreUnavailable>
  }
>()("effex/audit/tree/Consistency") {
  static readonly layer = Layer.effect(
    Consistency,
    Effect.gen(function* () {
      const { latestHead, nodeHashes } = yield* SealRepo

      const prove = Effect.fn("Consistency.prove")(function* (from: number, to: number) {
        if (from < 1) return yield* new SizeOutOfRange({ parameter: "from", detail: "must be at least 1" })
        if (from > to)
          return yield* new SizeOutOfRange({
            parameter: "from",
            detail: `is ${from}; it must not exceed to, ${to}`
          })
        const size = Option.match(yield* latestHead, { onNone: () => 0, onSome: ({ treeSize }) => treeSize })
        if (to > size)
          return yield* new SizeOutOfRange({
            parameter: "to",
            detail: `is ${to}; the audit has ${size} sealed records`
          })
        const hashes = yield* nodeHashes(ConsistencyProof.nodes(from, to))
        return ConsistencyProof.make(from, to, hashes)
      })

      return Consistency.of({ prove })
    })
  )
}
