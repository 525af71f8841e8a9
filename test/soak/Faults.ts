import { Effect } from "effect"
import { FAULTS as EXCHANGE_FAULTS } from "./Exchange.ts"
import { FAULTS as PROVIDER_FAULTS } from "./Provider.ts"
import { Report } from "./Report.ts"
import { Harness } from "./Harness.ts"
import type { FaultName, MachineFault, PlannedFault } from "./Schedule.ts"

/** Starts and ends a fault. */
interface FaultActions {
  readonly begin: Effect.Effect<void>
  readonly end: Effect.Effect<void>
}

/** Runs all planned faults at their times. Returns after the last one has ended. */
export const play = Effect.fnUntraced(function* (planned: ReadonlyArray<PlannedFault>) {
  const harness = yield* Harness
  const report = yield* Report
  yield* Effect.forEach(
    planned,
    Effect.fnUntraced(function* (fault) {
      yield* Effect.sleep(fault.atMillis)
      report.fault(fault.name)
      const { begin, end } = actionsOf(harness, fault)
      yield* Effect.acquireUseRelease(
        begin,
        () => Effect.sleep(fault.lastsMillis),
        () => end
      )
    }),
    { concurrency: "unbounded", discard: true }
  )
})

const actionsOf = (harness: Harness["Service"], { name, parameter, target }: PlannedFault): FaultActions => {
  const { exchange, postgres, postgresProxy, provider, redis, redisProxy } = harness
  const node = harness.nodes.find(({ index }) => target === `node ${index}`)
  const network = (start: () => void, { heal }: typeof postgresProxy): FaultActions => ({
    begin: Effect.sync(start),
    end: Effect.sync(heal)
  })
  const once = (begin: Effect.Effect<void>): FaultActions => ({ begin, end: Effect.void })
  const ofNode = (
    begin: Effect.Effect<void> | undefined,
    end: Effect.Effect<void> | undefined
  ): FaultActions => ({
    begin: begin ?? Effect.void,
    end: end ?? Effect.void
  })
  // Ignores failures, because another fault may have frozen or stopped Redis.
  const toRedis = (command: string, ...args: ReadonlyArray<string>) =>
    Effect.ignoreCause(redis.call(command, ...args))
  const faults: Readonly<Record<MachineFault, FaultActions>> = {
    "kill a node": ofNode(node?.stop("SIGKILL"), node?.release),
    "stop a node": ofNode(node?.stop("SIGTERM"), node?.release),
    "freeze a node": ofNode(node?.signal("SIGSTOP"), node?.signal("SIGCONT")),
    "kill Postgres": once(postgres.kill),
    "terminate sessions": once(postgres.terminate(1 + (parameter % 3))),
    "blackhole Postgres": network(postgresProxy.blackhole, postgresProxy),
    "drop Postgres responses": network(postgresProxy.mute, postgresProxy),
    "reset Postgres connections": network(postgresProxy.reset, postgresProxy),
    "delay Postgres": network(
      () => postgresProxy.slow({ latencyMillis: 20 + (parameter % 80) }),
      postgresProxy
    ),
    "slice Postgres packets": network(() => postgresProxy.slow({ sliceBytes: 1 }), postgresProxy),
    "kill Redis": { begin: redis.stop, end: redis.restart },
    "freeze Redis": { begin: redis.signal("SIGSTOP"), end: redis.signal("SIGCONT") },
    "flush Redis": once(toRedis("FLUSHALL")),
    // Redis rejects writes.
    "fill Redis": {
      begin: toRedis("CONFIG", "SET", "maxmemory", "1"),
      end: toRedis("CONFIG", "SET", "maxmemory", "0")
    },
    "blackhole Redis": network(redisProxy.blackhole, redisProxy),
    "reset Redis connections": network(redisProxy.reset, redisProxy)
  }
  const isMachineFault = (fault: FaultName): fault is MachineFault => Object.hasOwn(faults, fault)
  if (isMachineFault(name)) return faults[name]
  const exchangeFault = EXCHANGE_FAULTS.find((fault) => name === `exchange: ${fault}`)
  if (exchangeFault !== undefined)
    return { begin: exchange.startFault(exchangeFault, parameter), end: exchange.endFault }
  const providerFault = PROVIDER_FAULTS.find((fault) => name === `provider: ${fault}`) ?? "500"
  return { begin: Effect.sync(() => provider.startFault(providerFault)), end: Effect.sync(provider.endFault) }
}
