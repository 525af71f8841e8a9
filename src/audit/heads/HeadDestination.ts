import { type Effect, type Option, Schema } from "effect"
import type { StoreUnavailable } from "../../platform/postgres/StoreUnavailable.ts"
import type { SignedTreeHead } from "../TreeHead.ts"

/** Heads could not be published. */
export class PublishFailed extends Schema.TaggedError<PublishFailed>()("PublishFailed", {
  reason: Schema.String
}) {
  override get message(): string {
    return this.reason
  }
}

/** The last head that a place has received. */
export interface PublishedHead {
  readonly treeSize: number
  /** None where only the size is recorded. */
  readonly rootHash: Option.Option<Buffer>
}

/** A place outside of the database that receives the signed heads in order, each at least once. */
export interface HeadDestination {
  /** Label of its metrics. */
  readonly kind: "file" | "url"
  /** Name of its setting. */
  readonly setting: string
  /** Runs an effect, unless another node publishes to this place. */
  readonly exclusively: <E>(publish: Effect.Effect<number, E>) => Effect.Effect<number, E | StoreUnavailable>
  readonly last: Effect.Effect<Option.Option<PublishedHead>, PublishFailed | StoreUnavailable>
  /** Completes when the place has stored the heads. */
  readonly publish: (
    heads: ReadonlyArray<SignedTreeHead>
  ) => Effect.Effect<void, PublishFailed | StoreUnavailable>
}
