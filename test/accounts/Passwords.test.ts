import { assert, layer } from "@effect/vitest"
import { hash, verify } from "@node-rs/argon2"
import { Effect, Fiber, Layer, Option, Redacted } from "effect"
import { readdirSync, readFileSync } from "node:fs"
import { getPriority } from "node:os"
import { Credentials } from "../../src/accounts/Credentials.ts"
import * as HashingThreads from "../../src/accounts/HashingThreads.ts"
import { MAX_CONCURRENT_HASHES, Passwords } from "../../src/accounts/Passwords.ts"
import { Registration } from "../../src/accounts/Registration.ts"
import { SignIn } from "../../src/accounts/login/SignIn.ts"
import * as TestAccounts from "../support/TestAccounts.ts"
import { get, TestServer } from "../support/TestServer.ts"

const LOGINS = 40

let running = 0
let maxRunning = 0
let verifications = 0

/** Argon2 that counts its concurrent calls. */
const counted = async <A>(work: () => Promise<A>) => {
  maxRunning = Math.max(maxRunning, ++running)
  try {
    return await work()
  } finally {
    running--
  }
}

const passwords = Passwords.layerWith({
  hash: (password, options) => counted(() => hash(password, options)),
  verify: (stored, password) => {
    verifications++
    return counted(() => verify(stored, password))
  }
})

const services = Layer.fresh(SignIn.layer.pipe(Layer.provide(Credentials.layer))).pipe(
  Layer.provide(passwords),
  Layer.provide(TestAccounts.hooks),
  Layer.provideMerge(TestServer.layer())
)

/** Nice values of the threads that hash passwords. */
const prioritiesOfThreads = () =>
  readdirSync("/proc/self/task").flatMap((thread) =>
    readFileSync(`/proc/self/task/${thread}/comm`, "utf8").trim() === "libuv-worker"
      ? [getPriority(Number(thread))]
      : []
  )

layer(services, { excludeTestServices: true })("Passwords", (it) => {
  it.effect.skipIf(process.platform !== "linux")(
    "are hashed by threads of a lower priority than the event loop",
    () =>
      Effect.sync(() => {
        const priorities = prioritiesOfThreads()
        assert.isAtLeast(priorities.length, MAX_CONCURRENT_HASHES)
        const expected = Math.min(getPriority() + HashingThreads.NICE_INCREMENT, 19)
        assert.deepStrictEqual(Array.from(new Set(priorities)), [expected])
      })
  )

  it.effect("leaves one CPU to lookups while it hashes passwords", () =>
    Effect.gen(function* () {
      const { signIn } = yield* SignIn
      const password = Redacted.make(TestAccounts.PASSWORD)
      yield* (yield* Registration).create({ username: "amara", password, email: Option.none() }, "user")
      const login = (username: string) =>
        signIn({ proof: { username, password }, code: undefined, device: TestAccounts.DEVICE })
      // Replaces the cheap hash of the registration.
      yield* login("amara")
      verifications = 0
      maxRunning = 0
      const lookup = get("/api/v1/rates?from=USD&to=NGN")
      assert.strictEqual((yield* lookup).status, 200)
      const logins = yield* Effect.forkChild(
        Effect.forEach(
          Array.from({ length: LOGINS }, (_, n) => n),
          (n) => Effect.result(login(n % 2 === 0 ? "amara" : "nobody")),
          { concurrency: "unbounded" }
        )
      )
      let lookups = 0
      while (logins.pollUnsafe() === undefined) {
        assert.strictEqual((yield* lookup).status, 200)
        lookups++
      }
      const results = yield* Fiber.join(logins)
      const refusals = results.flatMap((result) => (result._tag === "Failure" ? [result.failure._tag] : []))
      assert.deepStrictEqual(
        refusals,
        Array.from({ length: LOGINS / 2 }, () => "InvalidCredentials")
      )
      assert.strictEqual(verifications, LOGINS)
      assert.strictEqual(maxRunning, MAX_CONCURRENT_HASHES)
      assert.isAbove(lookups, 10)
    })
  )
})
