import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import * as Callers from "../../support/Callers.ts"
import { assertProblem, get, TestServer } from "../../support/TestServer.ts"

const Operation = Schema.Struct({
  parameters: Schema.Array(
    Schema.Struct({ name: Schema.String, in: Schema.String, example: Schema.optionalKey(Schema.Unknown) })
  ),
  requestBody: Schema.optionalKey(
    Schema.Struct({
      content: Schema.Record(
        Schema.String,
        Schema.Struct({ example: Schema.Record(Schema.String, Schema.Unknown) })
      )
    })
  )
})
const decodeDocument = Schema.decodeUnknownEffect(
  Schema.Struct({ paths: Schema.Record(Schema.String, Schema.Record(Schema.String, Operation)) })
)

/** Returns every operation with a JSON body, with the example of the document. */
const operationsWithBody = Effect.gen(function* () {
  const { paths } = yield* decodeDocument((yield* get("/openapi.json")).json)
  return Object.entries(paths).flatMap(([template, operations]) =>
    Object.entries(operations).flatMap(([method, { parameters, requestBody }]) => {
      if (requestBody === undefined) return []
      const path = template.replaceAll(/\{(\w+)\}/g, (_, name) =>
        String(parameters.find((parameter) => parameter.name === name)?.example)
      )
      const body = requestBody.content["application/json"]?.example ?? assert.fail(`${method} ${template}`)
      return [{ method: method.toUpperCase(), path, body }]
    })
  )
})

layer(TestServer.layer(), { excludeTestServices: true })("Every operation with a JSON body", (it) => {
  it.effect("names a field that it does not know, and does nothing", () =>
    Effect.gen(function* () {
      const { authorization = "" } = yield* Callers.user("administrator")
      const operations = yield* operationsWithBody
      assert.isAbove(operations.length, 35)
      for (const { body, method, path } of operations) {
        const response = yield* get(path, {
          method,
          headers: { "content-type": "application/json", authorization },
          body: JSON.stringify({ ...body, resaon: "x" })
        })
        assertProblem(response, 400, "invalid-request")
        assert.deepStrictEqual(
          response.json["errors"],
          [{ pointer: "/body/resaon", detail: "is not a known field" }],
          `${method} ${path}: ${response.text}`
        )
      }
      const actions = yield* get("/api/v1/admin/actions", { headers: { authorization } })
      assert.deepStrictEqual(actions.json["data"], [])
    })
  )
})
