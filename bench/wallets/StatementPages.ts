/** Reads pages of a statement one after the other. Prints milliseconds: the median with the round trip, and the CPU time. */
import { NodeRuntime } from "@effect/platform-node"
import { Config, Console, DateTime, Effect, Layer, Option } from "effect"
import * as App from "../../src/App.ts"
import { featuresApp } from "../../src/CommandLayers.ts"
import { Statement, type StatementFilter } from "../../src/wallets/Statement.ts"
import { Wallets } from "../../src/wallets/Wallets.ts"
import { median } from "../Statistics.ts"
import * as PostgresCpu from "../transfers/PostgresCpu.ts"

const PAGES = 200
const PAGE_SIZE = 50
const YEAR_MILLIS = 365 * 86_400_000

const measure = Effect.fnUntraced(function* (filterOf: (now: number) => StatementFilter) {
  const { page } = yield* Statement
  const wallet = Option.getOrThrow(yield* (yield* Wallets).find(process.env["USERNAME"] ?? ""))
  const millis: Array<number> = []
  const postgres = yield* Config.Int("POSTGRES_PID")
  const before = PostgresCpu.secondsOf(postgres)
  for (let i = 0; i < PAGES; i++) {
    const filter = filterOf(DateTime.toEpochMillis(yield* DateTime.now))
    const startedAt = performance.now()
    const { rows } = yield* page(wallet.id, filter, undefined, PAGE_SIZE)
    millis.push(performance.now() - startedAt)
    if (rows.length < PAGE_SIZE) return yield* Effect.die(`only ${rows.length} rows`)
  }
  const cpuMillis = ((PostgresCpu.secondsOf(postgres) - before) * 1_000) / PAGES
  return { millis: median(millis), cpuMillis }
})

/** A random time of the middle of the year. */
const until = (now: number) => DateTime.makeUnsafe(now - YEAR_MILLIS * (0.1 + 0.8 * Math.random()))

const program = Effect.gen(function* () {
  const first = yield* measure(() => ({}))
  const deep = yield* measure((now) => ({ until: until(now) }))
  const typed = yield* measure((now) => ({ type: "conversion", until: until(now) }))
  yield* Console.log(JSON.stringify({ first, deep, typed }))
})

NodeRuntime.runMain(Effect.provide(program, App.users.pipe(Layer.provideMerge(featuresApp))))
