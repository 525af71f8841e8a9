import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import { Arbitrary, Effect, JsonSchema, Schema, SchemaRepresentation } from "effect"
import { FindMyWay } from "effect/http"
import * as RequestGuards from "../../src/server/middleware/limits/RequestGuards.ts"
import * as Routes from "../../src/server/Routes.ts"
import * as Kinds from "./requests/Kinds.ts"

const JsonObject = Schema.Record(Schema.String, Schema.Unknown)
const Content = Schema.Record(
  Schema.String,
  Schema.Struct({ schema: Schema.optionalKey(JsonObject), example: Schema.optionalKey(Schema.Unknown) })
)
const SecurityScheme = Schema.Literals(["bearer", "accessToken", "administrator"])
const DocumentedOperation = Schema.Struct({
  security: Schema.optionalKey(Schema.Array(Schema.Record(Schema.String, Schema.Unknown))),
  parameters: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        name: Schema.String,
        in: Schema.Literals(["query", "path", "header", "cookie"]),
        required: Schema.optionalKey(Schema.Boolean),
        schema: JsonObject,
        example: Schema.optionalKey(Schema.Unknown)
      })
    )
  ),
  requestBody: Schema.optionalKey(Schema.Struct({ content: Content })),
  responses: Schema.Record(Schema.String, Schema.Struct({ content: Schema.optionalKey(Content) }))
})
const OpenApi = Schema.Struct({
  paths: Schema.Record(Schema.String, Schema.Record(Schema.String, DocumentedOperation)),
  components: Schema.Struct({ schemas: Schema.Record(Schema.String, JsonObject) })
})

/** Number of values generated in advance for each schema. */
const SAMPLES_PER_SCHEMA = 300

/** A parameter of an operation, with sample values that match its schema. */
export interface Parameter {
  readonly name: string
  readonly in: "query" | "path" | "header" | "cookie"
  readonly required: boolean
  /** True for an enumeration. */
  readonly isEnum: boolean
  readonly samples: ReadonlyArray<unknown>
  /** Documented example; undefined if there is none. */
  readonly example: unknown
}

/** Credentials that an operation requires: an API key, those of a user, or those of an administrator. */
export type SecurityScheme = typeof SecurityScheme.Type

/** One method of one path. */
export interface Operation {
  /** For example `GET /api/v1/rates/{rate_id}`. */
  readonly name: string
  readonly method: string
  readonly path: string
  /** Undefined for an operation without authentication. */
  readonly security: SecurityScheme | undefined
  readonly parameters: ReadonlyArray<Parameter>
  /** Sample bodies that match the schema; empty if the operation has no body. */
  readonly bodies: ReadonlyArray<unknown>
  /** Documented example of a body; undefined if there is none. */
  readonly exampleBody: unknown
  /** Documented media types by status; empty for a response without a body. */
  readonly responses: ReadonlyMap<number, ReadonlyArray<string>>
  /** The path parameter that takes an `id` in its responses, such as `order_id` for `/orders`. */
  readonly idParameter: string | undefined
}

/** The OpenAPI document of a server. */
export interface Document {
  readonly operations: ReadonlyArray<Operation>
  /** The operation that a request reaches; undefined if it is not documented. */
  readonly find: (method: string, target: string) => Operation | undefined
  /** An operation at a path, with any method. */
  readonly at: (target: string) => Operation | undefined
  /** The reason why a body does not match its documented schema; undefined if it matches. */
  readonly schemaError: (
    operation: Operation,
    status: number,
    type: string,
    body: unknown
  ) => string | undefined
}

/** Reads a document and generates sample values for its schemas. The seed determines the values. */
export const read = Effect.fnUntraced(function* (json: unknown, seed: string) {
  const { components, paths } = yield* Schema.decodeUnknownEffect(OpenApi)(json)
  const definitions = Object.fromEntries(
    Object.entries(components.schemas).map(([name, schema]) => [name, inDraft2020(schema)])
  )
  const sample = Effect.fnUntraced(function* (schema: typeof JsonObject.Type) {
    const document = { ...JsonSchema.fromSchemaOpenApi3_1({ ...schema }), definitions }
    const values = Arbitrary.schema(
      SchemaRepresentation.fromJsonSchemaDocument(document, { patterns: "apply" })
    )
    return yield* Arbitrary.sampleEffect(values, { count: SAMPLES_PER_SCHEMA, seed })
  })

  const operationOf = Effect.fnUntraced(function* (
    path: string,
    method: string,
    documented: typeof DocumentedOperation.Type
  ) {
    const parameters = yield* Effect.forEach(
      documented.parameters ?? [],
      ({ example, name, required, schema, ...rest }) =>
        Effect.map(sample(schema), (samples): Parameter => ({
          name,
          in: rest.in,
          required: required === true,
          isEnum: "enum" in schema,
          samples,
          example
        }))
    )
    const body = documented.requestBody?.content["application/json"]
    const child = Object.keys(paths).find((other) => other.startsWith(`${path}/{`))
    const operation: Operation = {
      idParameter:
        /^\{(\w+_id)\}/.exec(child?.slice(path.length + 1) ?? "")?.[1] ??
        Kinds.idKindOf(`${method.toUpperCase()} ${path}`),
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      security: documented.security?.flatMap(schemesOf)[0],
      parameters,
      bodies: body?.schema === undefined ? [] : yield* sample(body.schema),
      exampleBody: body?.example,
      responses: new Map(
        Object.entries(documented.responses).map(([status, { content }]) => [
          Number(status),
          Object.keys(content ?? {})
        ])
      )
    }
    return operation
  })

  const operations = yield* Effect.forEach(
    Object.entries(paths).flatMap(([path, methods]) =>
      Object.entries(methods).map(([method, documented]) => ({ path, method, documented }))
    ),
    ({ documented, method, path }) => operationOf(path, method, documented)
  )
  const { at, find } = makeRouter(operations)
  const document: Document = { operations, at, find, schemaError: makeValidator(json) }
  return document
})

const schemesOf = (requirement: Readonly<Record<string, unknown>>) =>
  SecurityScheme.literals.filter((scheme) => scheme in requirement)

const inDraft2020 = (schema: typeof JsonObject.Type) => JsonSchema.fromSchemaOpenApi3_1({ ...schema }).schema

/** Matches paths in the same way as the server. */
const makeRouter = (operations: ReadonlyArray<Operation>) => {
  const routes = FindMyWay.make<Operation>(Routes.CONFIG)
  for (const operation of operations)
    routes.on(operation.method, `/${operation.path.slice(1).replace(/\{(\w+)\}/g, ":$1")}`, operation)
  const methods = Array.from(new Set(operations.map(({ method }) => method)))
  const find = (method: string, target: string) => routes.find(method, target)?.handler
  return {
    find: (method: string, target: string) =>
      RequestGuards.hasAmbiguousPath(target) ? undefined : find(method === "HEAD" ? "GET" : method, target),
    at: (target: string) => methods.map((method) => find(method, target)).find((found) => found !== undefined)
  }
}

const ROOT = "urn:effex:openapi"

const makeValidator = (json: unknown): Document["schemaError"] => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, validateSchema: false })
  if (typeof json !== "object" || json === null) throw new Error("The OpenAPI document is not an object")
  ajv.addSchema(json, ROOT)
  const compiled = new Map<string, ValidateFunction>()
  return (operation, status, type, body) => {
    const segments = ["paths", operation.path, operation.method.toLowerCase(), "responses", `${status}`]
    const pointer = [...segments, "content", type, "schema"].map(segmentOf).join("/")
    const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `${ROOT}#/${pointer}` })
    compiled.set(pointer, validate)
    if (validate(body)) return undefined
    const [first] = validate.errors ?? []
    return `${first?.instancePath ?? ""} ${first?.message ?? "does not match"}`
  }
}

/** Encodes a segment of a JSON pointer for a URI fragment (RFC 6901, section 6). */
const segmentOf = (segment: string) => encodeURIComponent(segment.replaceAll("~", "~0").replaceAll("/", "~1"))
