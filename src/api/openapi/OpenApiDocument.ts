import * as RateLimitHeadersSpec from "../access/RateLimitHeadersSpec.ts"
import { EXAMPLES } from "./Examples.ts"

// The document is assembled by Effect as untyped JSON.
// oxlint-disable-next-line typescript/no-explicit-any
type Json = any
type Members = Readonly<Record<string, Json>>

const mapMembers = (members: Members, update: (value: Json, name: string) => Json): Members =>
  Object.fromEntries(Object.entries(members).map(([name, value]) => [name, update(value, name)]))

/** Replaces `…Encoded` by the plain name: effex publishes only encoded schemas. */
const nameSchemas = (document: Members): Members =>
  JSON.parse(
    JSON.stringify(document).replaceAll(/("#\/components\/schemas\/\w+?|"\w+?)Encoded"(?=[:,}])/g, '$1"')
  )

const JSON_SCHEMA = { $ref: "#/components/schemas/Json" }
const JSON_OBJECT = { $ref: "#/components/schemas/JsonObject" }
const SCALAR = { type: ["string", "number", "boolean", "null"] }

/**
 * Any JSON, such as a provider's response. An empty schema would be untyped in generated clients. An array that contains
 * itself directly would not compile in clients of `openapi-typescript`, so the recursion goes through objects.
 */
const JSON_COMPONENTS = {
  Json: { anyOf: [SCALAR, JSON_OBJECT, { type: "array", items: { anyOf: [SCALAR, JSON_OBJECT] } }] },
  JsonObject: {
    type: "object",
    additionalProperties: { anyOf: [JSON_SCHEMA, { type: "array", items: JSON_SCHEMA }] }
  }
}

const nameUntypedMembers = (document: Members): Members =>
  JSON.parse(JSON.stringify(document), (name, value) =>
    name === "properties"
      ? mapMembers(value, (schema) => (Object.keys(schema).length === 0 ? JSON_SCHEMA : schema))
      : value
  )

/** The documented form of a path. Every path is served with and without a trailing slash. */
const withoutTrailingSlash = (path: string) => (path.length > 1 ? path.replace(/\/$/, "") : path)

const addExample = (content: Json, example: Json) =>
  content?.["application/json"] === undefined || example === undefined
    ? content
    : { ...content, "application/json": { ...content["application/json"], example } }

/** Removes what only Effect's own client reads. */
const withoutEffectMembers = (content: Json) =>
  content &&
  mapMembers(content, (media) =>
    Object.fromEntries(Object.entries(media).filter(([name]) => name !== "x-effect-stream"))
  )

const addExamples = (operation: Json): Json => {
  const { accepted, parameters = {}, request, response } = EXAMPLES[operation.operationId] ?? {}
  return {
    ...operation,
    ...(operation.parameters && {
      parameters: operation.parameters.map((parameter: Json) =>
        parameters[parameter.name] === undefined
          ? parameter
          : { ...parameter, example: parameters[parameter.name] }
      )
    }),
    ...(operation.requestBody && {
      requestBody: { ...operation.requestBody, content: addExample(operation.requestBody.content, request) }
    }),
    responses: mapMembers(operation.responses, (value, status) => ({
      ...value,
      ...(value.content && {
        content: withoutEffectMembers(
          status.startsWith("2")
            ? addExample(value.content, status === "202" ? (accepted ?? response) : response)
            : value.content
        )
      })
    }))
  }
}

/** Completes the OpenAPI document with names, examples and response headers that schemas do not express. */
export const complete = (document: Members): Members => {
  const { components, ...named } = nameUntypedMembers(nameSchemas(document))
  const paths = Object.entries<Members>(named["paths"]).map(([path, operations]) => [
    withoutTrailingSlash(path),
    mapMembers(operations, addExamples)
  ])
  return RateLimitHeadersSpec.addTo({
    ...named,
    paths: Object.fromEntries(paths),
    components: { ...components, schemas: { ...components.schemas, ...JSON_COMPONENTS } }
  })
}
