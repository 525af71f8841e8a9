import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as Sabotage from "./Sabotage.ts"
import * as Soak from "./Soak.ts"

/** A soak saw promises broken. */
class Violated extends Schema.TaggedError<Violated>()("Violated", { seed: Schema.Int, count: Schema.Int }) {
  override get message(): string {
    return `${this.count} violations; the same faults again: npm run soak -- --seed ${this.seed}`
  }
}

const positive = (value: number) => value > 0

const soak = Command.make(
  "soak",
  {
    seed: Flag.Int("seed").pipe(
      Flag.withDescription("Decides everything: what is asked for, what fails, and when"),
      Flag.withDefault(42)
    ),
    minutes: Flag.Finite("minutes").pipe(
      Flag.withDescription("How long there are faults; a quiet time follows, and all is examined"),
      Flag.filter(positive, () => "it must be above 0"),
      Flag.withDefault(5)
    ),
    nodes: Flag.Int("nodes").pipe(
      Flag.withDescription("How many servers share the database"),
      Flag.filter(positive, () => "it must be above 0"),
      Flag.withDefault(2)
    ),
    rate: Flag.Finite("rate").pipe(
      Flag.withDescription("How many operations are begun in a second"),
      Flag.filter(positive, () => "it must be above 0"),
      Flag.withDefault(60)
    ),
    readers: Flag.Int("readers").pipe(
      Flag.withDescription("How many readers of streams there are"),
      Flag.withDefault(8)
    ),
    broken: Flag.Literals("break", Sabotage.NAMES).pipe(
      Flag.withDescription("Soak a copy of the program in which a promise is broken, which must be noticed"),
      Flag.optional
    )
  },
  Effect.fn(function* ({ broken, ...options }) {
    const { violations } = yield* Soak.run({ ...options, broken: Option.getOrUndefined(broken) })
    if (violations > 0) return yield* new Violated({ seed: options.seed, count: violations })
  })
).pipe(
  Command.withDescription(
    "Run effex on a PostgreSQL, a Redis and a provider that fail in every way, and hold it to its promises"
  ),
  Command.withExamples([
    { command: "npm run soak -- --seed 42 --minutes 5", description: "What a release must stand" },
    { command: "npm run soak -- --seed 7 --minutes 1 --break audit", description: "It must be noticed" }
  ])
)

NodeRuntime.runMain(Command.run(soak, { version: "1" }).pipe(Effect.provide(NodeServices.layer)))
