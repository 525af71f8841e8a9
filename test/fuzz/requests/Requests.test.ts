import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as Document from "../Document.ts"
import { DOCUMENT } from "../ExampleDocument.ts"
import * as Kinds from "./Kinds.ts"
import * as RandomChoice from "../RandomChoice.ts"
import * as Report from "../Report.ts"
import * as RequestDraft from "./RequestDraft.ts"
import * as Requests from "./Requests.ts"
import * as Resources from "./Resources.ts"
import * as ResponseIds from "./ResponseIds.ts"

describe("Requests", () => {
  const requestsOf = Effect.fnUntraced(function* (seed: string) {
    const responseIds = ResponseIds.make()
    responseIds.addAll({ data: [{ thing_id: "known" }] })
    const requests = Requests.make(yield* Document.read(DOCUMENT, seed), Resources.make())
    return yield* Effect.forEach(Array.from({ length: 500 }), (_, number) =>
      Effect.map(RandomChoice.make(`${seed}/${number}`), (random) =>
        RequestDraft.render(requests.draft(random, responseIds, requests.pick(random)), number, "localhost")
      )
    )
  })

  it.effect("are the same for the same seed, and differ for another seed", () =>
    Effect.gen(function* () {
      const bytesOf = (requests: ReadonlyArray<RequestDraft.RenderedRequest>) =>
        requests.map(({ bytes }) => bytes.toString("latin1"))
      const first = bytesOf(yield* requestsOf("1"))
      assert.deepStrictEqual(bytesOf(yield* requestsOf("1")), first)
      assert.notDeepEqual(bytesOf(yield* requestsOf("2")), first)
    })
  )

  it.effect(
    "of an operation with a documented example have it as their body, or a change of what was read",
    () =>
      Effect.gen(function* () {
        const document = yield* Document.read(DOCUMENT, "1")
        const operation = document.find("PUT", "/things/known")
        const responseIds = ResponseIds.make()
        const resources = Resources.make()
        const requests = Requests.make(document, resources)
        responseIds.add("thing_id", "known")
        const textsOf = Effect.fnUntraced(function* (seed: string) {
          return yield* Effect.forEach(Array.from({ length: 100 }), (_, number) =>
            Effect.map(RandomChoice.make(`${seed}/${number}`), (random) => {
              const draft = requests.draft(random, responseIds, operation)
              return RequestDraft.render(draft, number, "localhost").bytes.toString("latin1")
            })
          )
        })
        const countOf = (texts: ReadonlyArray<string>, ...parts: ReadonlyArray<string>) =>
          texts.filter((text) => parts.every((part) => text.includes(part))).length
        const example = '{"label":"documented","level":3}'
        assert.isAbove(countOf(yield* textsOf("1"), "PUT /things/known HTTP/1.1", example), 20)

        resources.observe(
          { method: "GET", target: "/things/known?size=1" },
          {
            status: 200,
            headers: new Map([["etag", '"7"']]),
            body: Buffer.from('{"thing_id":"known","setting":{"label":"current"}}')
          }
        )
        const changes = yield* textsOf("2")
        assert.isAbove(countOf(changes, 'if-match: "7"', '{"label":"current","level":3}'), 20)
        assert.strictEqual(countOf(changes, example), 0)
      })
  )

  it.effect("cover every operation, and reuse ids from responses", () =>
    Effect.gen(function* () {
      const names = (yield* requestsOf("1")).map(({ name }) => name)
      assert.includeMembers(names, ["GET /things", "POST /things/{thing_id}", "PUT /things/{thing_id}"])
      assert.include(
        (yield* requestsOf("1")).map(({ target }) => target),
        "/things/known"
      )
    })
  )
})

describe("ResponseIds", () => {
  it.effect("returns a value with the same name, or an id that may match", () =>
    Effect.gen(function* () {
      const random = yield* RandomChoice.make("1")
      const responseIds = ResponseIds.make()
      assert.isUndefined(responseIds.pick(random, "quote_id"))
      responseIds.addAll({ data: [{ audit_id: "a" }], next: "n" })
      assert.strictEqual(responseIds.pick(random, "cursor"), "n")
      assert.strictEqual(responseIds.pick(random, "audit_id"), "a")
      assert.strictEqual(responseIds.pick(random, "quote_id"), "a")
      assert.isUndefined(responseIds.pick(random, "amount"))
      responseIds.addAll({ data: [{ id: "t" }] }, { idParameter: "thing_id", name: "GET /things" })
      assert.strictEqual(responseIds.pick(random, "thing_id"), "t")
    })
  )

  it.effect("names the kind of a value by its operation", () =>
    Effect.gen(function* () {
      const random = yield* RandomChoice.make("1")
      const responseIds = ResponseIds.make()
      responseIds.addAll({ username: "bola" }, { idParameter: undefined, name: "GET /transfers/recipient" })
      assert.strictEqual(responseIds.pick(random, "recipient"), "bola")
      assert.isUndefined(responseIds.pick(random, "username"))
      assert.strictEqual(Kinds.kindOf("POST /transfers", "to"), "recipient")
      assert.strictEqual(Kinds.kindOf("POST /convert", "to"), "to")
    })
  )

  it.effect("of a caller prefers what the caller has received", () =>
    Effect.gen(function* () {
      const random = yield* RandomChoice.make("1")
      const shared = ResponseIds.make(new Set(["excluded"]))
      const own = ResponseIds.own(shared)
      shared.add("order_id", "of another")
      assert.strictEqual(own.pick(random, "order_id"), "of another")
      own.addAll({ id: "mine" }, { idParameter: "order_id", name: "POST /orders" })
      own.addAll({ id: "excluded" }, { idParameter: "order_id", name: "POST /orders" })
      const picked = Array.from({ length: 50 }, () => own.pick(random, "order_id"))
      assert.isAbove(picked.filter((id) => id === "mine").length, 35)
      assert.notInclude(picked, "excluded")
      assert.include(
        Array.from({ length: 50 }, () => shared.pick(random, "order_id")),
        "mine"
      )
    })
  )
})

describe("Report", () => {
  it("lists the operations that never returned a status of 2xx", () => {
    const row = (...outcomes: ReadonlyArray<string>) =>
      new Map(outcomes.map((outcome) => [outcome, 1] as const))
    const responses = new Map([
      ["GET /a", row("200", "404")],
      ["GET /b", row("304", "404", "closed")],
      ["POST /c", row("202")]
    ])
    const names = ["GET /a", "GET /b", "POST /c", "POST /d"]
    assert.deepStrictEqual(Report.unsuccessfulOf({ responses }, names), ["GET /b", "POST /d"])
  })
})
