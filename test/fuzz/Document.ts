import { Ajv2020, type ValidateFunction } from "ajv/dist/2020.js"
import { Arbitrary, Effect, JsonSchema, Schema, SchemaRepresentation } from "effect"
import { FindMyWay } from "effect/http"
import * as Routes from "../../src/server/Routes.ts"

const JsonObject = Schema.Record(Schema.String, Schema.Unknown)
const Content = Schema.Record(Schema.String, Schema.Struct({ schema: Schema.optionalKey(JsonObject) }))
const DocumentedOperation = Schema.Struct({
  parameters: Schema.optionalKey(
    Schema.Array(
      Schema.Struct({
        name: Schema.String,
        in: Schema.Literals(["query", "path", "header", "cookie"]),
        required: Schema.optionalKey(Schema.Boolean),
        schema: JsonObject
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

/** How many values of each schema are made in advance. */
const SAMPLES = 300

/** Something that a request may have, with values that fit its schema. */
export interface Parameter {
  readonly name: string
  readonly in: "query" | "path" | "header" | "cookie"
  readonly required: boolean
  /** Whether only a few words fit. */
  readonly closed: boolean
  readonly samples: ReadonlyArray<unknown>
}

/** One method of one path. */
export interface Operation {
  /** Such as `GET /api/v1/rates/{rate_id}`. */
  readonly name: string
  readonly method: string
  readonly path: string
  readonly parameters: ReadonlyArray<Parameter>
  /** Bodies that fit; none where it takes none. */
  readonly bodies: ReadonlyArray<unknown>
  /** What it may answer: by status, the media types of its bodies, none where it has no body. */
  readonly answers: ReadonlyMap<number, ReadonlyArray<string>>
}

/** The API as it documents itself. */
export interface Document {
  readonly operations: ReadonlyArray<Operation>
  /** What a request reaches; undefined where nothing of the document is. */
  readonly find: (method: string, target: string) => Operation | undefined
  /** What is at a path, whichever method it takes. */
  readonly at: (target: string) => Operation | undefined
  /** Why a body does not fit what is documented; undefined where it does. */
  readonly misfit: (operation: Operation, status: number, type: string, body: unknown) => string | undefined
}

/** Reads a document, and makes the values of its schemas, which the seed decides. */
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
    return yield* Arbitrary.sampleEffect(values, { count: SAMPLES, seed })
  })

  const operationOf = Effect.fnUntraced(function* (
    path: string,
    method: string,
    documented: typeof DocumentedOperation.Type
  ) {
    const parameters = yield* Effect.forEach(
      documented.parameters ?? [],
      ({ name, required, schema, ...at }) =>
        Effect.map(sample(schema), (samples): Parameter => ({
          name,
          in: at.in,
          required: required === true,
          closed: "enum" in schema,
          samples
        }))
    )
    const body = documented.requestBody?.content["application/json"]?.schema
    const operation: Operation = {
      name: `${method.toUpperCase()} ${path}`,
      method: method.toUpperCase(),
      path,
      parameters,
      bodies: body === undefined ? [] : yield* sample(body),
      answers: new Map(
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
  const { at, find } = routing(operations)
  const document: Document = { operations, at, find, misfit: validating(json) }
  return document
})

const inDraft2020 = (schema: typeof JsonObject.Type) => JsonSchema.fromSchemaOpenApi3_1({ ...schema }).schema

/** Paths are matched as the server matches them. */
const routing = (operations: ReadonlyArray<Operation>) => {
  const routes = FindMyWay.make<Operation>(Routes.CONFIG)
  for (const operation of operations)
    routes.on(operation.method, `/${operation.path.slice(1).replace(/\{(\w+)\}/g, ":$1")}`, operation)
  const methods = Array.from(new Set(operations.map(({ method }) => method)))
  const find = (method: string, target: string) => routes.find(method, target)?.handler
  return {
    find: (method: string, target: string) => find(method === "HEAD" ? "GET" : method, target),
    at: (target: string) => methods.map((method) => find(method, target)).find((found) => found !== undefined)
  }
}

const ROOT = "urn:effex:openapi"

const validating = (json: unknown): Document["misfit"] => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false, validateSchema: false })
  if (typeof json !== "object" || json === null) throw new Error("The document is no object")
  ajv.addSchema(json, ROOT)
  const compiled = new Map<string, ValidateFunction>()
  return (operation, status, type, body) => {
    const words = ["paths", operation.path, operation.method.toLowerCase(), "responses", `${status}`]
    const pointer = [...words, "content", type, "schema"].map(segmentOf).join("/")
    const validate = compiled.get(pointer) ?? ajv.compile({ $ref: `${ROOT}#/${pointer}` })
    compiled.set(pointer, validate)
    if (validate(body)) return undefined
    const [first] = validate.errors ?? []
    return `${first?.instancePath ?? ""} ${first?.message ?? "does not fit"}`
  }
}

/** One word of a pointer in an address (RFC 6901, 6.). */
const segmentOf = (word: string) => encodeURIComponent(word.replaceAll("~", "~0").replaceAll("/", "~1"))
