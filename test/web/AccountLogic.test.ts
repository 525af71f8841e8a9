import { assert, describe, it } from "@effect/vitest"
import { EffexError } from "../../src/client/promise/EffexError.ts"
import { describe as describeProblem, wasRefused } from "../../web/src/forms/Problem.ts"
import { useSubmit } from "../../web/src/forms/useSubmit.ts"
import { nameOf } from "../../web/src/pages/account/Devices.ts"
import { problemsOf } from "../../web/src/pages/account/NewAccount.ts"
import { nextPath } from "../../web/src/session/NextPath.ts"

const ORIGIN = "https://rates.example"

const failure = (fields: Partial<ConstructorParameters<typeof EffexError>[0]>) =>
  new EffexError({ code: "store-unavailable", detail: "it failed", sent: true, status: 503, ...fields })

describe("The page after signing in", () => {
  it("is a page of the app, with its query and fragment", () => {
    for (const path of [
      "/wallet",
      "/statement?asset=USD#last",
      "/orders/01a22981-45e1-75da-8c6d-bd3c483116f2"
    ])
      assert.strictEqual(nextPath(path, ORIGIN), path)
  })

  it("is never on another host, a sign-in page or a path of the API", () => {
    for (const path of [
      undefined,
      "",
      "wallet",
      "//evil.example",
      "/\\evil.example",
      "/\t/evil.example",
      "/.//evil.example",
      "/wallet/..//evil.example",
      "https://evil.example/wallet",
      "javascript:alert(1)",
      "/sign-in?next=/wallet",
      "/sign-up",
      "/api/v1/rates/all",
      "/docs"
    ])
      assert.isUndefined(nextPath(path, ORIGIN), path)
  })
})

describe("The name of a device", () => {
  it("has the browser and the system", () => {
    const agents = {
      "Firefox on Android": "Mozilla/5.0 (Android 15; Mobile; rv:140.0) Gecko/140.0 Firefox/140.0",
      "Safari on iPhone":
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Mobile/15E148 Safari/604.1",
      "Chrome on Windows":
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36",
      "Edge on Windows":
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36 Edg/156.0.0.0",
      "Safari on Mac":
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.5 Safari/605.1.15"
    }
    for (const [name, agent] of Object.entries(agents)) assert.strictEqual(nameOf(agent).text, name)
  })

  it("is that of another program, cut if it is long", () => {
    assert.strictEqual(nameOf("curl/8.14.1").text, "curl/8.14.1")
    assert.strictEqual(nameOf("x".repeat(500)).text.length, 60)
    assert.strictEqual(nameOf(" ").text, "Unknown program")
  })
})

describe("A new account", () => {
  const entered = { username: "amara", password: "a long enough passphrase", email: "" }

  it("is accepted with a username in any case, and without an email address", () => {
    assert.deepStrictEqual(problemsOf({ ...entered, username: " Amara.O " }), {})
  })

  it("names each wrong field", () => {
    const wrong = { username: "a b", password: "short", email: "nobody" }
    assert.hasAllKeys(problemsOf(wrong), ["username", "password", "email"])
    assert.hasAllKeys(
      problemsOf({ ...entered, username: "long-enough-name", password: "Long-Enough-Name" }),
      ["password"]
    )
  })
})

describe("A problem in words", () => {
  it("says when to try again, and which field is wrong", () => {
    const limited = failure({ code: "rate-limited", status: 429, retryAfterMillis: 61_000 })
    assert.match(describeProblem(limited).text, /Try again in 61 seconds\.$/)
    const invalid = failure({
      code: "invalid-request",
      status: 400,
      errors: [{ pointer: "/body/email", detail: "is not an address" }]
    })
    assert.deepStrictEqual(describeProblem(invalid).fields, { email: "Is not an address." })
  })

  it("says that no money moved only if the request was refused", () => {
    const moved = (error: EffexError) => describeProblem(error, {}, true).moneyMoved
    assert.strictEqual(moved(failure({ code: "insufficient-funds", status: 402 })), "no")
    assert.strictEqual(moved(failure({ code: "unreachable", status: 0, sent: false })), "no")
    assert.strictEqual(moved(failure({ code: "unreachable", status: 0 })), "unknown")
    assert.strictEqual(moved(failure({ status: 503 })), "unknown")
    assert.isUndefined(describeProblem(failure({})).moneyMoved)
    assert.isFalse(wasRefused(failure({ code: "rate-limited", status: 429 })))
  })
})

describe("A form", () => {
  it("keeps its idempotency key until the request succeeds or is refused", async () => {
    const keys: Array<string> = []
    const outcomes = [failure({}), undefined, failure({ code: "insufficient-funds", status: 402 }), undefined]
    const { problem, submit } = useSubmit(async (key) => {
      keys.push(key)
      const outcome = outcomes[keys.length - 1]
      if (outcome !== undefined) throw outcome
    })
    const codeOfProblem = () => problem.value?.code
    await submit()
    assert.strictEqual(codeOfProblem(), "store-unavailable")
    await submit()
    assert.isUndefined(codeOfProblem())
    await submit()
    assert.strictEqual(codeOfProblem(), "insufficient-funds")
    await submit()
    const [first, second, third, fourth] = keys
    assert.strictEqual(first, second)
    assert.strictEqual(new Set([second, third, fourth]).size, 3)
  })

  it("sends one request at a time", async () => {
    let count = 0
    const { isBusy, submit } = useSubmit(async () => {
      count++
      await Promise.resolve()
    })
    await Promise.all([submit(), submit(), submit()])
    assert.strictEqual(count, 1)
    assert.isFalse(isBusy.value)
  })
})
