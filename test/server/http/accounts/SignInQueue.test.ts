import { assert, layer } from "@effect/vitest"
import { Effect, Layer } from "effect"
import { PasswordQueueBounds } from "../../../../src/accounts/Passwords.ts"
import { assertProblem, get, TestServer } from "../../../support/TestServer.ts"

const full = TestServer.layer().pipe(
  Layer.provideMerge(Layer.succeed(PasswordQueueBounds, { concurrency: 0, maxWaiting: 0 }))
)

layer(full, { excludeTestServices: true })("A node with a full queue of sign-ins", (it) => {
  for (const path of ["login", "register"])
    it.effect(`refuses the next, which may be retried: ${path}`, () =>
      Effect.gen(function* () {
        const response = yield* get(`/api/v1/accounts/auth/${path}`, {
          method: "POST",
          headers: { "content-type": "application/json" },
          body: JSON.stringify({ username: "amara", password: "a long enough passphrase" })
        })
        const problem = assertProblem(response, 503, "overloaded")
        assert.isTrue(problem["retryable"])
        assert.isAtLeast(Number(response.headers.get("retry-after")), 1)
      })
    )
})
