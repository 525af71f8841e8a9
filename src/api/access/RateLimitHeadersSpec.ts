import { Record, Schema } from "effect"

const header = (description: string, schema: object) => ({ description, schema })

/** Headers of every counted response. */
const RATE_LIMIT_HEADERS = {
  "RateLimit-Policy": header(
    'The rate limit: `"reads";q=6000;w=60` allows 6000 reads (`q`) in 60 seconds (`w`)',
    { type: "string" }
  ),
  RateLimit: header(
    'Remaining requests (`r`), and seconds until the limit is fully available again (`t`): `"reads";r=5999;t=1`',
    { type: "string" }
  )
}

const RETRY_AFTER_HEADER = {
  "Retry-After": header("Seconds after which the same request may succeed", { type: "integer", minimum: 1 })
}

const AnyObject = Schema.Record(Schema.String, Schema.Unknown)
const Operation = Schema.StructWithRest(
  Schema.Struct({ responses: Schema.Record(Schema.String, AnyObject) }),
  [AnyObject]
)
const Paths = Schema.Record(Schema.String, Schema.Record(Schema.String, Operation))
const decodePaths = Schema.decodeUnknownSync(Paths)

/** Adds the rate-limit headers to the responses of an OpenAPI document. */
export const addTo = <Spec extends { readonly [member: string]: unknown }>(spec: Spec): Spec => ({
  ...spec,
  paths: Record.map(decodePaths(spec["paths"]), (operations) =>
    Record.map(operations, (operation) => ({
      ...operation,
      responses: Record.map(operation.responses, (response, status) => ({
        ...response,
        ...headersOf(status, "429" in operation.responses)
      }))
    }))
  )
})

/** Statuses of requests that are rejected before they are counted. */
const UNCOUNTED = new Set(["408", "413", "414", "431"])

const headersOf = (status: string, isLimited: boolean) => {
  const headers = {
    ...(isLimited && !UNCOUNTED.has(status) ? RATE_LIMIT_HEADERS : {}),
    ...(status === "429" || status === "503" ? RETRY_AFTER_HEADER : {})
  }
  return Object.keys(headers).length === 0 ? {} : { headers }
}
