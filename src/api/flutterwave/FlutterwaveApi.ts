import { Schema } from "effect"
import {
  HttpApi,
  HttpApiEndpoint,
  HttpApiGroup,
  HttpApiMiddleware,
  HttpApiSchema,
  OpenApi
} from "effect/http-api"

const Side = Schema.Struct({ currency: Schema.String, amount: Schema.Finite })

/** A rate in Flutterwave's format: `destination.amount = source.amount × rate`. */
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

/** Maps invalid requests to Flutterwave's error format. */
export class FlutterwaveErrors extends HttpApiMiddleware.Service<FlutterwaveErrors>()(
  "effex/api/flutterwave/FlutterwaveErrors"
) {}

/** Public endpoint: needs no API key, but rejects an invalid one. Errors have Flutterwave's shape. */
export class FlutterwaveAuthentication extends HttpApiMiddleware.Service<FlutterwaveAuthentication>()(
  "effex/api/flutterwave/FlutterwaveAuthentication",
  { error: [Failure.pipe(HttpApiSchema.status(401)), Failure.pipe(HttpApiSchema.status(429))] }
) {}

const Required = Schema.String.check(Schema.isNonEmpty({ message: "is required" }))
const Optional = Schema.optionalKey(Schema.String)

/** Flutterwave-compatible endpoints, for applications written against Flutterwave's rates API. */
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
        summary: "Get a rate in Flutterwave's format",
        description: "`amount` is in the destination currency. Default: 1000."
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
        summary: "List the rates of a source currency in Flutterwave's format",
        description: "`base_currency` is the source currency. Default: USD."
      })
    )
  )
  .prefix("/api")
  .middleware(FlutterwaveAuthentication)
  .middleware(FlutterwaveErrors)
  // Like Flutterwave, so that requests which were written for it keep working.
  .annotate(HttpApi.QueryParseOptions, { onExcessProperty: "ignore" })
  .annotateMerge(
    OpenApi.annotations({
      title: "Flutterwave-compatible",
      description: "The rate endpoints of Flutterwave, with its response and error format, for existing apps."
    })
  ) {}
