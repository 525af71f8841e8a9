import { Effect, Record } from "effect"
import { Plan } from "../Plan.ts"
import type { Figure } from "../Report.ts"
import * as InterleavedRounds from "../InterleavedRounds.ts"
import type { Server } from "../servers/Servers.ts"
import { type Rounds as Results, spreadIn } from "../Statistics.ts"
import { Load } from "./Load.ts"
import type { LoadResult } from "./LoadResult.ts"
import * as Requests from "./Requests.ts"

/** A server in a comparison, with the requests that differ from those of the others. */
export type Subject = Server & {
  readonly kind?: Requests.RequestKind
  /** Headers sent with every request. */
  readonly headers?: Readonly<Record<string, string>>
}

/** Applies the same load to several servers in interleaved rounds, after a warm-up. */
export const compare = Effect.fnUntraced(function* <Name extends string>(
  workload: string,
  kind: Requests.RequestKind,
  servers: Readonly<Record<Name, Subject>>,
  options: { readonly connections?: number; readonly isWarm?: boolean } = {}
) {
  const plan = yield* Plan
  const load = yield* Load
  const { connections = plan.connections, isWarm = false } = options
  const run = ({ headers = {}, kind: ownKind = kind, url }: Subject) =>
    load.run({
      url,
      headers,
      requests: Requests.ofKind(ownKind, plan.pairs),
      connections,
      seconds: plan.seconds
    })
  if (!isWarm) yield* Effect.forEach(Object.values<Subject>(servers), run, { discard: true })
  return yield* InterleavedRounds.interleave(
    workload,
    Record.map(servers, run) as Record<Name, ReturnType<typeof run>>
  )
})

export const requestsPerSecond = (result: LoadResult) => result.requestsPerSecond
export const p50 = (result: LoadResult) => result.p50
export const p99 = (result: LoadResult) => result.p99

/** Returns throughput and response times of each server. */
export const figuresOf = <Name extends string>(
  workload: string,
  rounds: Results<Name, LoadResult>,
  servers: ReadonlyArray<Name>
): ReadonlyArray<Figure> =>
  servers.flatMap((server) => [
    {
      workload,
      server,
      quantity: "requests",
      unit: "/s",
      result: spreadIn(rounds, server, requestsPerSecond)
    },
    { workload, server, quantity: "p50", unit: "ms", result: spreadIn(rounds, server, p50) },
    { workload, server, quantity: "p99", unit: "ms", result: spreadIn(rounds, server, p99) }
  ])
