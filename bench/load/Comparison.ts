import { Effect, Record } from "effect"
import { Plan } from "../Plan.ts"
import type { Figure } from "../Report.ts"
import * as Rounds from "../Rounds.ts"
import type { Server } from "../servers/Servers.ts"
import { type Rounds as Results, spreadIn } from "../Statistics.ts"
import { Load } from "./Load.ts"
import type { LoadResult } from "./LoadResult.ts"
import * as Requests from "./Requests.ts"

/** Something that is asked, for another kind of requests than the others where it says so. */
type Subject = Server & { readonly kind?: Requests.Kind }

/** Servers under the same load in turns, after each of them has warmed up. Returns the rounds. */
export const compare = Effect.fnUntraced(function* <Name extends string>(
  work: string,
  kind: Requests.Kind,
  servers: Readonly<Record<Name, Subject>>,
  options: { readonly connections?: number; readonly isWarm?: boolean } = {}
) {
  const plan = yield* Plan
  const load = yield* Load
  const { connections = plan.connections, isWarm = false } = options
  const ask = ({ kind: own = kind, url }: Subject) =>
    load.run({ url, requests: Requests.of(own, plan.pairs), connections, seconds: plan.seconds })
  if (!isWarm) yield* Effect.forEach(Object.values<Subject>(servers), ask, { discard: true })
  return yield* Rounds.inTurns(work, Record.map(servers, ask) as Record<Name, ReturnType<typeof ask>>)
})

export const requestsPerSecond = (result: LoadResult) => result.requestsPerSecond
export const p50 = (result: LoadResult) => result.p50
export const p99 = (result: LoadResult) => result.p99

/** What each server did, as figures. */
export const figuresOf = <Name extends string>(
  work: string,
  rounds: Results<Name, LoadResult>,
  servers: ReadonlyArray<Name>
): ReadonlyArray<Figure> =>
  servers.flatMap((server) => [
    { work, server, what: "requests", unit: "/s", result: spreadIn(rounds, server, requestsPerSecond) },
    { work, server, what: "p50", unit: "ms", result: spreadIn(rounds, server, p50) },
    { work, server, what: "p99", unit: "ms", result: spreadIn(rounds, server, p99) }
  ])
