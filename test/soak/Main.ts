import { NodeRuntime, NodeServices } from "@effect/platform-node"
import { Effect, Option, Schema } from "effect"
import { Command, Flag } from "effect/cli"
import * as Mutants from "./Mutants.ts"
import * as Soak from "./Soak.ts"

/** A soak found violations. */
class RulesViolated extends Schema.TaggedError<RulesViolated>()("RulesViolated", {
  seed: Schema.Int,
  count: Schema.Int
}) {
  override get message(): string {
    return `${this.count} violations; repeat the same faults with: npm run soak -- --seed ${this.seed}`
  }
}

const positive = (value: number) => value > 0

const soak = Command.make(
  "soak",
  {
    seed: Flag.Int("seed").pipe(
      Flag.withDescription("Seed of all requests and faults"),
      Flag.withDefault(42)
    ),
    minutes: Flag.Finite("minutes").pipe(
      Flag.withDescription("Duration of the faults; recovery and the final checks follow"),
      Flag.filter(positive, () => "it must be above 0"),
      Flag.withDefault(5)
    ),
    nodes: Flag.Int("nodes").pipe(
      Flag.withDescription("Number of servers that share the database"),
      Flag.filter(positive, () => "it must be above 0"),
      Flag.withDefault(2)
    ),
    rate: Flag.Finite("rate").pipe(
      Flag.withDescription("Operations per second"),
      Flag.filter(positive, () => "it must be above 0"),
      Flag.withDefault(60)
    ),
    readers: Flag.Int("readers").pipe(Flag.withDescription("Number of stream readers"), Flag.withDefault(8)),
    mutant: Flag.Literals("break", Mutants.NAMES).pipe(
      Flag.withDescription("Run a mutant: a copy of the program with a defect that the soak must detect"),
      Flag.optional
    )
  },
  Effect.fn(function* ({ mutant, ...options }) {
    const { violations } = yield* Soak.run({ ...options, mutant: Option.getOrUndefined(mutant) })
    if (violations > 0) return yield* new RulesViolated({ seed: options.seed, count: violations })
  })
).pipe(
  Command.withDescription(
    "Run effex while PostgreSQL, Redis, the provider and its nodes fail, and check every response"
  ),
  Command.withExamples([
    { command: "npm run soak -- --seed 42 --minutes 5", description: "The soak before a release" },
    {
      command: "npm run soak -- --seed 7 --minutes 1 --break audit",
      description: "A mutant that the soak must detect"
    }
  ])
)

NodeRuntime.runMain(Command.run(soak, { version: "1" }).pipe(Effect.provide(NodeServices.layer)))
