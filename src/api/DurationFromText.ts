import { Duration, Effect, Schema, SchemaIssue, SchemaTransformation } from "effect"
import * as DurationText from "../domain/DurationText.ts"

/** A duration: text such as `10 minutes` or `500 millis` on the wire. */
export const DurationFromText = Schema.String.annotate({ description: DurationText.ALLOWED }).pipe(
  Schema.decodeTo(
    Schema.Duration,
    SchemaTransformation.transformEffect({
      decode: (text) =>
        Effect.mapError(
          Effect.fromOption(DurationText.parse(text)),
          () => new SchemaIssue.InvalidValue({ message: `Expected ${DurationText.ALLOWED}` })
        ),
      encode: (duration) => Effect.succeed(`${Math.floor(Duration.toMillis(duration))} millis`)
    })
  )
)
