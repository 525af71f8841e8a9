import { assert, describe, it } from "@effect/vitest"
import * as Routes from "../../src/server/Routes.ts"

describe("Routes", () => {
  it("takes only requests with a route for sign-ins, so that unknown paths share the time of pages", () => {
    assert.isTrue(Routes.isSignIn("POST", "/api/v1/accounts/auth/login"))
    assert.isTrue(Routes.isSignIn("POST", "/api/v1/accounts/auth/refresh?x=1"))
    assert.isFalse(Routes.isSignIn("POST", "/api/v1/accounts/auth/unknown"))
    assert.isFalse(Routes.isSignIn("GET", "/api/v1/accounts/auth/login"))
    assert.isFalse(Routes.isSignIn("GET", "/api/v1/rates"))
  })
})
