import { Schema } from "effect"

/** Something was answered that is not a success, so that the figures of the round are worth nothing. */
export class InvalidRound extends Schema.TaggedError<InvalidRound>()("InvalidRound", {
  url: Schema.String,
  failures: Schema.Int
}) {
  override get message(): string {
    return `${this.url}: ${this.failures} requests were not answered with 2xx`
  }
}
