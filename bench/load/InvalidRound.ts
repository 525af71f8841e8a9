import { Schema } from "effect"

/** Some requests failed, so the figures of the round are invalid. */
export class InvalidRound extends Schema.TaggedError<InvalidRound>()("InvalidRound", {
  url: Schema.String,
  failures: Schema.Int
}) {
  override get message(): string {
    return `${this.url}: ${this.failures} requests failed or had no 2xx response`
  }
}
