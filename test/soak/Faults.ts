import { Effect } from "effect"
import { FAULTS as PROVIDER_FAULTS } from "./Provider.ts"
import { Report } from "./Report.ts"
import { Harness } from "./Harness.ts"
import type { FaultName, MachineFault, PlannedFault } from "./Schedule.ts"

/** A fault that befalls and one that is over. */
interface Fault {
  readonly begin: Effect.Effect<void>
  readonly end: Effect.Effect<void>
}

/** Lets all planned faults happen, each at its time; returns when the last is over, with everything healed. */
export const play = Effect.fnUntraced(function* (planned: ReadonlyArray<PlannedFault>) {
  const rig = yield* Harness
  const report = yield* Report
  yield* Effect.forEach(
    planned,
    Effect.fnUntraced(function* (fault) {
      yield* Effect.sleep(fault.atMillis)
      report.fault(fault.name)
      const { begin, end } = faultOf(rig, fault)
      yield* Effect.acquireUseRelease(
        begin,
        () => Effect.sleep(fault.lastsMillis),
        () => end
      )
    }),
    { concurrency: "unbounded", discard: true }
  )
})

const faultOf = (rig: Harness["Service"], { die, name, target }: PlannedFault): Fault => {
  const { postgres, postgresDoor, provider, redis, redisDoor } = rig
  const node = rig.nodes.find(({ index }) => target === `node ${index}`)
  const door = (shut: () => void, { heal }: typeof postgresDoor): Fault => ({
    begin: Effect.sync(shut),
    end: Effect.sync(heal)
  })
  const once = (begin: Effect.Effect<void>): Fault => ({ begin, end: Effect.void })
  const ofNode = (begin: Effect.Effect<void> | undefined, end: Effect.Effect<void> | undefined): Fault => ({
    begin: begin ?? Effect.void,
    end: end ?? Effect.void
  })
  // Another fault may have it frozen or gone at that moment.
  const toRedis = (command: string, ...args: ReadonlyArray<string>) =>
    Effect.ignoreCause(redis.call(command, ...args))
  const faults: Readonly<Record<MachineFault, Fault>> = {
    "kill a node": ofNode(node?.stop("SIGKILL"), node?.release),
    "stop a node": ofNode(node?.stop("SIGTERM"), node?.release),
    "freeze a node": ofNode(node?.signal("SIGSTOP"), node?.signal("SIGCONT")),
    "kill Postgres": once(postgres.kill),
    "terminate sessions": once(postgres.terminate(1 + (die % 3))),
    "Postgres swallowed": door(postgresDoor.blackhole, postgresDoor),
    "Postgres mute": door(postgresDoor.mute, postgresDoor),
    "Postgres reset": door(postgresDoor.reset, postgresDoor),
    "Postgres far away": door(() => postgresDoor.slow({ latencyMillis: 20 + (die % 80) }), postgresDoor),
    "Postgres in slices": door(() => postgresDoor.slow({ sliceBytes: 1 }), postgresDoor),
    "kill Redis": { begin: redis.stop, end: redis.startAgain },
    "freeze Redis": { begin: redis.signal("SIGSTOP"), end: redis.signal("SIGCONT") },
    "flush Redis": once(toRedis("FLUSHALL")),
    // It takes no more writes.
    "fill Redis": {
      begin: toRedis("CONFIG", "SET", "maxmemory", "1"),
      end: toRedis("CONFIG", "SET", "maxmemory", "0")
    },
    "Redis swallowed": door(redisDoor.blackhole, redisDoor),
    "Redis reset": door(redisDoor.reset, redisDoor)
  }
  const isOfMachine = (one: FaultName): one is MachineFault => Object.hasOwn(faults, one)
  if (isOfMachine(name)) return faults[name]
  const lie = PROVIDER_FAULTS.find((fault) => name === `provider: ${fault}`) ?? "500"
  return { begin: Effect.sync(() => provider.misbehave(lie)), end: Effect.sync(provider.behave) }
}
