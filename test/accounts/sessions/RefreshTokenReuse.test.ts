import { assert, layer } from "@effect/vitest"
import { Effect, Redacted, Result } from "effect"
import { TestClock } from "effect/testing"
import { Registration } from "../../../src/accounts/Registration.ts"
import { Sessions } from "../../../src/accounts/sessions/Sessions.ts"
import * as TestAccounts from "../../support/TestAccounts.ts"

const { DEVICE } = TestAccounts

let names = 0
const open = Effect.gen(function* () {
  const { register } = yield* Registration
  return yield* register(TestAccounts.account(`reuse-${names++}`), DEVICE)
})

const refresh = (token: Redacted.Redacted) =>
  Effect.flatMap(Sessions, (sessions) => sessions.refresh(token, DEVICE))

/** What a used token gets, as `docs/accounts.md` says. */
const OUTCOMES = [
  { after: "9 seconds", successor: "unused", outcome: "the same token" },
  { after: "9 seconds", successor: "used", outcome: "the same token" },
  { after: "11 seconds", successor: "unused", outcome: "the same token" },
  { after: "11 seconds", successor: "used", outcome: "reuse" },
  { after: "59 minutes", successor: "unused", outcome: "the same token" },
  { after: "59 minutes", successor: "used", outcome: "reuse" },
  { after: "61 minutes", successor: "unused", outcome: "reuse" },
  { after: "61 minutes", successor: "used", outcome: "reuse" },
  { after: "29 days", successor: "unused", outcome: "reuse" }
] as const

layer(TestAccounts.layer())("A used refresh token", (it) => {
  for (const { after, outcome, successor } of OUTCOMES)
    it.effect(`gets ${outcome} after ${after} while its successor is ${successor}`, () =>
      Effect.gen(function* () {
        const { refreshToken, user } = yield* open
        const next = yield* refresh(refreshToken)
        if (successor === "used") yield* refresh(next.refreshToken)
        yield* TestClock.adjust(after)
        const again = yield* Effect.result(refresh(refreshToken))
        const isOpen = (yield* (yield* Sessions).list(user.id)).length === 1
        if (outcome === "reuse") {
          assert.deepInclude(Result.getOrThrow(Result.flip(again)), { _tag: "SessionEnded", reason: "reuse" })
          assert.isFalse(isOpen)
        } else {
          const token = Result.getOrThrow(again).refreshToken
          assert.strictEqual(Redacted.value(token), Redacted.value(next.refreshToken))
          assert.isTrue(isOpen)
        }
      })
    )
})
