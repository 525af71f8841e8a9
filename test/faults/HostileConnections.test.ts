import { assert, describe, it } from "@effect/vitest"
import { Effect, Fiber, Schedule, type Scope } from "effect"
import { Reactivity } from "effect/reactivity"
import { readFileSync } from "node:fs"
import { connect, type Socket } from "node:net"
import * as Effex from "../support/Effex.ts"
import * as NodeEnvironment from "../support/NodeEnvironment.ts"
import * as Workload from "../support/Workload.ts"

const IDLE_SECONDS = 5
const ATTACK_SECONDS = 20
const MAX_GROWTH_MIB = 200
/** Allowed for the scheduling of this machine, which also runs the attack. */
const MARGIN_MILLIS = 50

const DOCS = "GET /docs HTTP/1.1\r\nhost: localhost\r\n\r\n"
const UNKNOWN = "GET /nothing HTTP/1.1\r\nhost: localhost\r\n\r\n"

/** Resident memory of a process. */
const memoryMib = (pid: number | undefined) =>
  Math.round(
    Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1] ?? 0) / 1024
  )

/** Opens a connection that sends bytes. It reads the responses only if `reads` is set. */
const open = (port: number, bytes: string, reads: boolean) =>
  Effect.acquireRelease(
    Effect.sync((): Socket => {
      const socket = connect(port, "127.0.0.1").on("error", () => {})
      if (reads) socket.resume()
      else socket.pause()
      socket.write(bytes)
      return socket
    }),
    (socket) => Effect.sync(() => socket.destroy())
  )

type Attack = (port: number) => Effect.Effect<void, never, Scope.Scope>

const repeated =
  (interval: "1 second" | "250 millis", bytes: string, reads: boolean): Attack =>
  (port) =>
    Effect.repeat(open(port, bytes, reads), Schedule.spaced(interval)).pipe(Effect.asVoid)

const ATTACKS: Readonly<Record<string, Attack>> = {
  "700 connections that request /docs twice and never read": (port) =>
    Effect.andThen(
      Effect.forEach(Array.from({ length: 700 }), () => open(port, DOCS.repeat(2), false), { discard: true }),
      Effect.never
    ),
  "a connection per second with 100 pipelined requests of /docs": repeated(
    "1 second",
    DOCS.repeat(100),
    false
  ),
  "four connections per second with 400 pipelined unknown paths": repeated("250 millis", UNKNOWN.repeat(400))
}

/** Looks up rates one after the other. Returns the latency in milliseconds. */
const lookUp = Effect.fnUntraced(function* (url: string, seconds: number) {
  const millis: Array<number> = []
  const end = performance.now() + seconds * 1000
  while (performance.now() < end) {
    const startedAt = performance.now()
    const { status } = yield* Effex.get(url, "/api/v1/rates?from=USD&to=NGN")
    assert.strictEqual(status, 200)
    millis.push(performance.now() - startedAt)
    yield* Effect.sleep("10 millis")
  }
  const sorted = millis.toSorted((a, b) => a - b)
  const at = (fraction: number) => Math.ceil(sorted[Math.floor(sorted.length * fraction)] ?? 0)
  return { p50: at(0.5), p99: at(0.99) }
})

describe("A client with hostile connections", () => {
  for (const [name, attack] of Object.entries(ATTACKS)) {
    it.live(`does not slow down others or exhaust memory: ${name}`, () =>
      Effect.gen(function* () {
        const { env } = yield* NodeEnvironment.make()
        const server = yield* Effex.serve(env)
        const port = Number(new URL(server.url).port)
        yield* Effex.get(server.url, "/docs")
        const idle = yield* lookUp(server.url, IDLE_SECONDS)
        const idleMemory = memoryMib(server.process.pid)
        let maxMemory = idleMemory
        yield* Effect.sync(() => {
          maxMemory = Math.max(maxMemory, memoryMib(server.process.pid))
        }).pipe(Effect.repeat(Schedule.spaced("100 millis")), Effect.forkScoped)
        const running = yield* Effect.forkScoped(Effect.scoped(attack(port)))
        const attacked = yield* lookUp(server.url, ATTACK_SECONDS)
        yield* Fiber.interrupt(running)
        // Before and after, because other programs may slow down this machine.
        const later = yield* lookUp(server.url, IDLE_SECONDS)
        const idleP99 = Math.max(idle.p99, later.p99)
        yield* Workload.report(
          `${name}: lookups p50 ${idle.p50} ms, p99 ${idleP99} ms when idle, ${attacked.p50} and ${attacked.p99} ms during the attack; memory ${idleMemory} MiB, at most ${maxMemory} MiB`
        )
        assert.isAtMost(maxMemory, idleMemory + MAX_GROWTH_MIB)
        assert.isAtMost(attacked.p50, 2 * Math.max(idle.p50, later.p50) + 5)
        assert.isAtMost(attacked.p99, 2 * idleP99 + MARGIN_MILLIS)
      }).pipe(Effect.scoped, Effect.provide(Reactivity.layer))
    )
  }
})
