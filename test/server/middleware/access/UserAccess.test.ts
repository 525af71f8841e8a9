import { assert, layer } from "@effect/vitest"
import * as NodeHttpServer from "@effect/platform-node/NodeHttpServer"
import { Context, Effect, Layer, Option, Redacted, Schema } from "effect"
import { HttpRouter, HttpServer, HttpServerRequest } from "effect/http"
import { HttpApi, HttpApiBuilder, HttpApiEndpoint, HttpApiGroup } from "effect/http-api"
import { createServer } from "node:http"
import { Registration } from "../../../../src/accounts/Registration.ts"
import { CurrentUser } from "../../../../src/api/access/CurrentUser.ts"
import { RequireUser } from "../../../../src/api/access/HttpAuthorization.ts"
import { ProblemResponses } from "../../../../src/api/ProblemResponses.ts"
import { Database } from "../../../../src/platform/postgres/Database.ts"
import { AccessControl } from "../../../../src/server/middleware/access/AccessControl.ts"
import { HeavyRequests } from "../../../../src/server/middleware/limits/HeavyRequests.ts"
import * as HttpAccessControl from "../../../../src/server/middleware/access/HttpAccessControl.ts"
import * as Problems from "../../../../src/server/middleware/Problems.ts"
import * as RequestSession from "../../../../src/server/middleware/access/RequestSession.ts"
import * as Callers from "../../../support/Callers.ts"
import { parseJsonObject, TestServer } from "../../../support/TestServer.ts"

const WhoAmI = Schema.Struct({
  user: Schema.String,
  principal: Schema.String,
  session: Schema.NullOr(Schema.String),
  storedSession: Schema.NullOr(Schema.String)
})

class TestApi extends HttpApi.make("test").add(
  HttpApiGroup.make("test")
    .add(HttpApiEndpoint.get("whoAmI", "/who-am-i", { success: WhoAmI }))
    .middleware(RequireUser)
    .middleware(ProblemResponses)
) {}

const handlers = HttpApiBuilder.group(TestApi, "test", (all) =>
  all.handle("whoAmI", () =>
    Effect.gen(function* () {
      const { principal, sessionId, userId } = yield* CurrentUser
      const { source } = yield* HttpServerRequest.HttpServerRequest
      const storedSession = RequestSession.of(source) ?? null
      return { user: userId, principal, session: sessionId ?? null, storedSession }
    })
  )
)

class Endpoint extends Context.Service<Endpoint, string>()("effex/test/Endpoint") {}

/** Serves one endpoint behind `RequireUser`. */
const endpoint = Layer.effect(
  Endpoint,
  Effect.map(HttpServer.HttpServer, ({ address }) => `${HttpServer.formatAddress(address)}/who-am-i`)
).pipe(
  Layer.provideMerge(
    HttpRouter.serve(HttpApiBuilder.layer(TestApi).pipe(Layer.provide(handlers)), {
      disableLogger: true,
      disableListenLog: true
    })
  ),
  Layer.provide([Problems.layerProblemResponses, HttpAccessControl.layer]),
  Layer.provide([AccessControl.layer, HeavyRequests.layer]),
  Layer.provide(NodeHttpServer.layer(createServer, { host: "127.0.0.1", port: 0 })),
  Layer.fresh
)

const send = (authorization: string | undefined, user?: string) =>
  Effect.flatMap(Endpoint, (url) =>
    Effect.promise(async () => {
      const headers = new Headers()
      if (authorization !== undefined) headers.set("authorization", authorization)
      if (user !== undefined) headers.set("effex-on-behalf-of", user)
      const response = await fetch(url, { headers })
      return { status: response.status, json: parseJsonObject(await response.text()) }
    })
  )

let names = 0
const register = Effect.flatMap(Registration, ({ create }) =>
  create(
    {
      username: `on-behalf-${names++}`,
      password: Redacted.make("a long enough passphrase"),
      email: Option.none()
    },
    "user"
  )
)

layer(endpoint.pipe(Layer.provideMerge(TestServer.layer())), { excludeTestServices: true })(
  "RequireUser",
  (it) => {
    it.effect("lets a key with the scope `wallets` act for the user of `Effex-On-Behalf-Of`", () =>
      Effect.gen(function* () {
        const { id } = yield* register
        const key = yield* Callers.withScopes("wallets")
        const expected = { user: id, principal: key.id, session: null, storedSession: null }
        for (const user of [id, id.toUpperCase()]) {
          const response = yield* send(key.authorization, user)
          if (user === id) assert.deepStrictEqual(response, { status: 200, json: expected })
          else assert.include([200, 403], response.status)
        }
      })
    )

    it.effect("refuses keys without the scope, and headers that do not name an active user", () =>
      Effect.gen(function* () {
        const { execute, sql } = yield* Database
        const { id } = yield* register
        const locked = (yield* register).id
        yield* execute(sql`UPDATE app_user SET locked_at = greatest(created_at, now()) WHERE id = ${locked}`)
        const key = yield* Callers.withScopes("wallets")
        const detail = (authorization: string | undefined, user?: string) =>
          Effect.map(send(authorization, user), ({ json, status }) => `${status} ${String(json["detail"])}`)
        for (const scope of ["rates:read", "convert", "audit:read", "admin"] as const) {
          const other = yield* Callers.withScopes(scope)
          assert.match(yield* detail(other.authorization, id), /^403 .*lacks the scope `wallets`/)
        }
        assert.match(yield* detail(key.authorization), /^403 .*send the id of the user in the header/)
        for (const user of [locked, "01980000-0000-7000-8000-000000000000", "amara", "", `${id}, ${id}`])
          assert.match(
            yield* detail(key.authorization, user),
            /^403 .*must be the id of a user who exists and is not locked/,
            user
          )
        assert.match(yield* detail(undefined, id), /^401 An access token is required/)
      })
    )

    it.effect(
      "stores the session of a user with the request, for streams, and refuses acting for others",
      () =>
        Effect.gen(function* () {
          const { id } = yield* register
          const { authorization } = yield* Callers.user("user")
          const response = yield* send(authorization)
          assert.strictEqual(response.status, 200)
          assert.isString(response.json["storedSession"])
          assert.strictEqual(response.json["storedSession"], response.json["session"])
          const other = yield* send(authorization, id)
          assert.strictEqual(other.status, 403)
          assert.match(String(other.json["detail"]), /Only an API key may send/)
          const own = yield* send(authorization, String(response.json["user"]))
          assert.strictEqual(own.status, 200)
        })
    )
  }
)
