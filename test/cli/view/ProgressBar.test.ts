import { assert, describe, it } from "@effect/vitest"
import { type Cause, type Console, Effect, Option, Queue, Terminal } from "effect"
import * as ProgressBar from "../../../src/cli/view/ProgressBar.ts"
import * as RateBoardView from "../../../src/cli/view/RateBoardView.ts"

describe("ProgressBar", () => {
  it("prints output and log lines above the bar, and draws the bar again", () => {
    const written: Array<string> = []
    const print = (...args: ReadonlyArray<unknown>) => void written.push(`${args.join(" ")}\n`)
    const base: Console.Console = Object.assign(Object.create(console), { log: print, error: print })
    const shown = { text: "" }
    const wrapped = ProgressBar.printAbove(base, shown, (text) => written.push(text))
    wrapped.log("before")
    shown.text = "███ 3/44"
    wrapped.error("a", "log line")
    shown.text = ""
    wrapped.log("after")
    assert.deepStrictEqual(written, ["before\n", "\r\u001b[K", "a log line\n", "███ 3/44", "after\n"])
  })
})

describe("RateBoardView", () => {
  const keys = (...names: ReadonlyArray<string>) =>
    Effect.gen(function* () {
      const queue = yield* Queue.make<Terminal.UserInput, Cause.Done>()
      for (const name of names)
        Queue.offerUnsafe(queue, {
          input: Option.some(name),
          key: { name, ctrl: false, meta: false, shift: false }
        })
      const terminal = Terminal.make({
        columns: Effect.succeed(80),
        rows: Effect.succeed(24),
        size: Effect.die("unused"),
        readInput: Effect.succeed(queue),
        readLine: Effect.die("unused"),
        display: () => Effect.void
      })
      yield* RateBoardView.awaitLeaveKey(terminal)
      return yield* Queue.size(queue)
    })

  it.effect("is left with q and Esc, and not with other keys", () =>
    Effect.gen(function* () {
      assert.strictEqual(yield* keys("a", "up", "q", "x"), 1)
      assert.strictEqual(yield* keys("escape"), 0)
    })
  )
})
