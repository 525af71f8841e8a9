import { Schema } from "effect"
import { HttpApiEndpoint, HttpApiGroup, HttpApiMiddleware, HttpApiSchema, OpenApi } from "effect/http-api"

const Side = Schema.Struct({ currency: Schema.String, amount: Schema.Finite })

/** A rate in Flutterwave's shape: `destination.amount = source.amount × rate`. */
export const FlutterwaveRate = Schema.Struct({
  rate: Schema.Finite,
  source: Side,
  destination: Side
}).annotate({ identifier: "FlutterwaveRate" })

const Failure = Schema.Struct({ status: Schema.Literal("error"), message: Schema.String, data: Schema.Null })
const failures = [
  Failure.pipe(HttpApiSchema.status(400)),
  Failure.pipe(HttpApiSchema.status(408)),
  Failure.pipe(HttpApiSchema.status(413)),
  Failure.pipe(HttpApiSchema.status(414)),
  Failure.pipe(HttpApiSchema.status(422)),
  Failure.pipe(HttpApiSchema.status(431)),
  Failure.pipe(HttpApiSchema.status(500)),
  Failure.pipe(HttpApiSchema.status(503))
] as const

/** Answers a request that is not valid in Flutterwave's error shape. */
export class FlutterwaveErrors extends HttpApiMiddleware.Service<FlutterwaveErrors>()(
  "effex/api/FlutterwaveErrors"
) {}

/** As `OpenAccess`: a key is not needed, but one that is shown must be in force. */
export class FlutterwaveAccess extends HttpApiMiddleware.Service<FlutterwaveAccess>()(
  "effex/api/FlutterwaveAccess",
  { error: [Failure.pipe(HttpApiSchema.status(401)), Failure.pipe(HttpApiSchema.status(429))] }
) {}

const Required = Schema.String.check(Schema.isNonEmpty({ message: "is required" }))
const Optional = Schema.optionalKey(Schema.String)

/** Rates in Flutterwave's own shape, for apps that were written against it. */
export class FlutterwaveApi extends HttpApiGroup.make("flutterwave")
  .add(
    HttpApiEndpoint.get("rate", "/rates/", {
      query: { source_currency: Required, destination_currency: Required, amount: Optional },
      success: Schema.Struct({
        status: Schema.Literal("success"),
        message: Schema.String,
        data: FlutterwaveRate
      }),
      error: failures
    }).annotateMerge(
      OpenApi.annotations({
        summary: "A rate, as Flutterwave answers it",
        description: "`amount` is in the destination currency, and 1000 without it."
      })
    ),
    HttpApiEndpoint.get("all", "/rates/all/", {
      query: { base_currency: Optional },
      success: Schema.Struct({
        status: Schema.Literal("success"),
        base_currency: Schema.String,
        rates: Schema.Record(Schema.String, FlutterwaveRate)
      }),
      error: failures
    }).annotateMerge(
      OpenApi.annotations({
        summary: "Every known rate of a source currency, as Flutterwave answers it",
        description: "Of USD without `base_currency`."
      })
    )
  )
  .prefix("/api")
  .middleware(FlutterwaveAccess)
  .middleware(FlutterwaveErrors)
  .annotateMerge(OpenApi.annotations({ title: "Flutterwave-compatible" })) {}
