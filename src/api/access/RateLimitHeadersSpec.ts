import { Record, Schema } from "effect"

const header = (description: string, schema: object) => ({ description, schema })

/** What is said of a caller's limit in the headers of every answer that is counted. */
const LIMIT = {
  "RateLimit-Policy": header('How much may be asked for: `"reads";q=6000;w=60` is 6000 reads in 60 seconds', {
    type: "string"
  }),
  RateLimit: header(
    'What is left of it, and in how many seconds all of it is there again: `"reads";r=5999;t=1`',
    { type: "string" }
  )
}

const RETRY_AFTER = {
  "Retry-After": header("In how many seconds the same request may succeed", { type: "integer", minimum: 1 })
}

const Anything = Schema.Record(Schema.String, Schema.Unknown)
const Operation = Schema.StructWithRest(
  Schema.Struct({ responses: Schema.Record(Schema.String, Anything) }),
  [Anything]
)
const Paths = Schema.Record(Schema.String, Schema.Record(Schema.String, Operation))
const decodePaths = Schema.decodeUnknownSync(Paths)

/** Names the headers of the limits in an OpenAPI document, where 429 is one of the answers. */
export const document = <Spec extends { readonly [member: string]: unknown }>(spec: Spec): Spec => ({
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

/** A server that cannot read a request does not know whose it is. */
const UNCOUNTED = new Set(["408", "413", "414", "431"])

const headersOf = (status: string, isLimited: boolean) => {
  const headers = {
    ...(isLimited && !UNCOUNTED.has(status) ? LIMIT : {}),
    ...(status === "429" || status === "503" ? RETRY_AFTER : {})
  }
  return Object.keys(headers).length === 0 ? {} : { headers }
}
