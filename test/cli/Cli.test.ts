import { assert, describe, it } from "@effect/vitest"
import { Effect } from "effect"
import * as EffexCommand from "../support/EffexCommand.ts"

// None of these needs a database: the command line is rejected before.
const exec = (...args: ReadonlyArray<string>) => EffexCommand.exec(args)

describe("effex", () => {
  it.live("prints a short help without a command, and all settings with --help", () =>
    Effect.gen(function* () {
      const alone = yield* exec()
      assert.strictEqual(alone.code, 1)
      assert.isAtMost(alone.stdout.trimEnd().split("\n").length, 30)
      assert.match(alone.stdout, /^Usage: effex <subcommand> \[flags\]$/m)
      assert.match(alone.stdout, /^ {2}rate +Print the latest rate of a pair/m)
      assert.match(alone.stdout, /^Help: effex <command> --help; all settings: effex --help$/m)
      const full = yield* exec("--help")
      assert.strictEqual(full.code, 0)
      assert.include(full.stdout, "FLUTTERWAVE_SECRET_KEY")
    })
  )

  const wrong: ReadonlyArray<readonly [command: string, error: string]> = [
    ["rat", 'Unknown command "rat"; did you mean rate?'],
    ["srve", 'Unknown command "srve"; did you mean serve?'],
    ["keys crete", 'Unknown command "crete"; did you mean create?'],
    ["rate USD NGN --jsn", "Unknown flag --jsn; did you mean --json?"],
    ["quote 500 USD NGN --ttl abc", '--ttl: found "abc", allowed: seconds such as 60, or a duration such as'],
    ["quote 500 USD NGN --ttl 0", '--ttl: found "0", allowed: seconds such as 60'],
    ["quote 500 USD NGN --ttl 3601", "from 1 second to 1 hour"],
    ["poll --interval 5x", '--interval: found "5x", allowed: seconds such as 60'],
    ["poller set --interval 0", "from 1 second to 1 day"],
    ["serve --port 99999", '--port: found "99999", allowed: a whole number from 0 to 65535'],
    ["serve --host a/b", '--host: found "a/b", allowed: an IP address or a host name'],
    ["rate USD NGN --at yesterday", '--at: found "yesterday", allowed: an ISO 8601 time such as'],
    ["history USD NGN --interval 1w", '--interval: found "1w", allowed: raw, 1h, 1d'],
    ["rate USD NGN KES", 'Unexpected positional argument: "KES"']
  ]
  it.live.each(wrong)("explains `effex %s` in a few lines on standard error", ([command, error]) =>
    Effect.gen(function* () {
      const { code, output, stdout } = yield* exec(...command.split(" "))
      assert.strictEqual(code, 1)
      assert.strictEqual(stdout, "")
      assert.include(output, error)
      assert.include(output, "\nUsage: effex ")
      assert.isAtMost(output.trimEnd().split("\n").length, 30)
      assert.notMatch(output, /Schema|Expected|undefined/)
    })
  )

  it.live("describes no argument as optional twice", () =>
    Effect.gen(function* () {
      for (const command of ["import", "rates", "rate", "serve", "poll", "quote"]) {
        assert.notMatch((yield* exec(command, "--help")).stdout, /\(optional\).*\(optional\)/)
      }
    })
  )
})
