import { Effect, Record } from "effect"
import { Plan } from "../Plan.ts"
import type { Figure } from "../Report.ts"
import * as Rounds from "../Rounds.ts"
import type { Server } from "../servers/Servers.ts"
import { spreadOf } from "../Statistics.ts"
import { Load, type LoadResult } from "./Load.ts"
import * as Requests from "./Requests.ts"

/** Servers under the same load in turns, after each of them has warmed up. Returns the rounds. */
export const compare = Effect.fnUntraced(function* <Name extends string>(
  work: string,
  kind: Requests.Kind,
  servers: Readonly<Record<Name, Server>>,
  options: { readonly connections?: number; readonly isWarm?: boolean } = {}
) {
  const plan = yield* Plan
  const load = yield* Load
  const { connections = plan.connections, isWarm = false } = options
  const requests = Requests.of(kind, plan.pairs)
  const ask = (server: Server, seconds: number) =>
    load.run({ url: server.url, requests, connections, seconds })
  if (!isWarm) {
    const warmUps = Object.values<Server>(servers).map((server) => ask(server, plan.seconds))
    yield* Effect.all(warmUps, { discard: true })
  }
  return yield* Rounds.inTurns(
    work,
    Record.map(servers, (server: Server) => ask(server, plan.seconds)) as Record<Name, ReturnType<typeof ask>>
  )
})

/** What each server did, as figures. */
export const figuresOf = <Name extends string>(
  work: string,
  rounds: ReadonlyArray<Record<Name, LoadResult>>
): ReadonlyArray<Figure> =>
  Object.keys(rounds[0] ?? {}).flatMap((server) => {
    const results = rounds.flatMap((round) =>
      Object.entries<LoadResult>(round).flatMap(([name, result]) => (name === server ? [result] : []))
    )
    const figure = (what: string, unit: string, of: (result: LoadResult) => number) => ({
      work,
      server,
      what,
      unit,
      result: spreadOf(results.map(of))
    })
    return [
      figure("requests", "/s", ({ requestsPerSecond }) => requestsPerSecond),
      figure("p50", "ms", ({ p50 }) => p50),
      figure("p99", "ms", ({ p99 }) => p99)
    ]
  })
