import { assert, describe, it } from "@effect/vitest"
import { OpenApi } from "effect/http-api"
import { Ajv2020 } from "ajv/dist/2020.js"
import { readFileSync } from "node:fs"
import { Api } from "../../../src/api/Api.ts"
import { EXAMPLES } from "../../../src/api/openapi/Examples.ts"
import { VERSION } from "../../../src/config/Version.ts"

const document = JSON.parse(JSON.stringify(OpenApi.fromApi(Api)))

interface Media {
  readonly schema: object
  readonly example?: unknown
}
interface Operation {
  readonly operationId: string
  readonly parameters: ReadonlyArray<{ name: string; required: boolean; schema: object; example?: string }>
  readonly requestBody?: { readonly content: Readonly<Record<string, Media>> }
  readonly responses: Readonly<Record<string, { readonly content?: Readonly<Record<string, Media>> }>>
}

const operations = Object.values<Record<string, Operation>>(document.paths).flatMap((path) =>
  Object.values(path)
)
const successOf = ({ responses }: Operation) =>
  Object.entries(responses).find(([status]) => status.startsWith("2"))?.[1].content ?? {}

/** Calls `visit` for every object of a document. */
const walk = (value: unknown, visit: (object: Readonly<Record<string, unknown>>) => void): void => {
  if (typeof value !== "object" || value === null) return
  if (!Array.isArray(value)) visit(Object.fromEntries(Object.entries(value)))
  for (const member of Object.values(value)) walk(member, visit)
}

describe("OpenAPI document", () => {
  const ajv = new Ajv2020({ strict: false, validateFormats: false })
  ajv.addSchema({ $id: "document", ...document })
  const conforms = (schema: object, value: unknown) => {
    const rooted = JSON.parse(JSON.stringify(schema).replaceAll('"#/', '"document#/'))
    const isValid = ajv.validate(rooted, value)
    return isValid ? "" : ajv.errorsText()
  }

  it("has an example for every request and response that conforms to its schema", () => {
    for (const operation of operations) {
      const media = [
        ...Object.values(operation.requestBody?.content ?? {}),
        ...Object.entries(successOf(operation)).flatMap(([type, content]) =>
          type === "application/json" ? [content] : []
        )
      ]
      for (const { example, schema } of media) {
        assert.isDefined(example, operation.operationId)
        assert.strictEqual(conforms(schema, example), "", operation.operationId)
      }
    }
  })

  it("has an example for every required parameter", () => {
    for (const { operationId, parameters } of operations)
      for (const { example, name, required } of parameters)
        if (required) assert.isDefined(example, `${operationId} ${name}`)
  })

  it("has no example for an operation or a parameter that does not exist", () => {
    for (const [operationId, { parameters = {} }] of Object.entries(EXAMPLES)) {
      const operation = operations.find((candidate) => candidate.operationId === operationId)
      const names = operation?.parameters.map(({ name }) => name)
      assert.includeMembers(names ?? [], Object.keys(parameters), operationId)
    }
  })

  it("names schemas plainly and types every value", () => {
    for (const name of Object.keys(document.components.schemas)) assert.notMatch(name, /Encoded/)
    walk(document, ({ properties, schema, items, contentSchema }) => {
      for (const child of [...Object.values(properties ?? {}), schema, items, contentSchema])
        if (child !== undefined) assert.notDeepEqual(child, {}, JSON.stringify(properties ?? schema))
    })
  })

  it("types times as date-time", () => {
    walk(document.components.schemas, ({ properties }) => {
      for (const [name, schema] of Object.entries(properties ?? {}))
        if (name.endsWith("_at")) assert.include(JSON.stringify(schema), '"format":"date-time"', name)
    })
  })

  it("types the data of server-sent events", () => {
    for (const [path, events] of [
      ["/api/v1/rates/stream", 5],
      ["/api/v1/accounts/events", 7]
    ] as const) {
      const text = JSON.stringify(document.paths[path].get.responses["200"].content["text/event-stream"])
      const types = text.match(/"contentSchema":\{("type":"object"|"\$ref")/g)
      assert.strictEqual(types?.length, events, path)
      assert.notInclude(text, "x-effect-stream")
    }
  })

  it("has the version of the package", () => {
    assert.strictEqual(document.info.version, VERSION)
  })
})

describe("README", () => {
  it("shows the examples of the OpenAPI document", () => {
    const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8")
    const shown = Array.from(readme.matchAll(/^```json\n(.*?)^```/gms), ([, json = ""]) => JSON.parse(json))
    assert.deepStrictEqual(shown, [
      EXAMPLES["rates.rate"]?.response,
      EXAMPLES["conversion.convert"]?.response
    ])
  })
})
