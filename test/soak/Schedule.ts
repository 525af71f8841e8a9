import { Effect, Random } from "effect"
import { FAULTS as EXCHANGE_FAULTS, type ExchangeFaultName } from "./Exchange.ts"
import { FAULTS as PROVIDER_FAULTS, type ProviderFault } from "./Provider.ts"

/** Target of a fault. A target has at most one fault at a time. */
export type Target =
  | "provider"
  | "exchange"
  | "postgres"
  | "postgres network"
  | "redis"
  | "redis network"
  | `node ${number}`

/** Faults of processes and networks, by their names in the report. */
export type MachineFault =
  | "kill a node"
  | "stop a node"
  | "freeze a node"
  | "kill Postgres"
  | "terminate sessions"
  | "blackhole Postgres"
  | "drop Postgres responses"
  | "reset Postgres connections"
  | "delay Postgres"
  | "slice Postgres packets"
  | "kill Redis"
  | "freeze Redis"
  | "flush Redis"
  | "fill Redis"
  | "blackhole Redis"
  | "reset Redis connections"

export type FaultName = MachineFault | `provider: ${ProviderFault}` | `exchange: ${ExchangeFaultName}`

export interface PlannedFault {
  readonly name: FaultName
  readonly target: Target
  /** Time since the start of the schedule. */
  readonly atMillis: number
  readonly lastsMillis: number
  /** Random parameter of the fault, such as which sessions are terminated. */
  readonly parameter: number
}

interface FaultKind {
  readonly name: FaultName
  readonly target: "node" | Exclude<Target, `node ${number}`>
  readonly weight: number
  /** Longest duration; the shortest is a tenth of it. */
  readonly lastsMillis: number
}

const kind = (
  name: FaultName,
  target: FaultKind["target"],
  weight: number,
  lastsMillis: number
): FaultKind => ({
  name,
  target,
  weight,
  lastsMillis
})

const KINDS: ReadonlyArray<FaultKind> = [
  kind("kill a node", "node", 6, 1500),
  kind("stop a node", "node", 3, 1500),
  kind("freeze a node", "node", 5, 20_000),
  kind("kill Postgres", "postgres", 4, 3000),
  kind("terminate sessions", "postgres", 6, 100),
  kind("blackhole Postgres", "postgres network", 3, 6000),
  kind("drop Postgres responses", "postgres network", 3, 4000),
  kind("reset Postgres connections", "postgres network", 3, 4000),
  kind("delay Postgres", "postgres network", 2, 4000),
  kind("slice Postgres packets", "postgres network", 2, 4000),
  kind("kill Redis", "redis", 4, 3000),
  kind("freeze Redis", "redis", 4, 6000),
  kind("flush Redis", "redis", 4, 100),
  kind("fill Redis", "redis", 3, 4000),
  kind("blackhole Redis", "redis network", 3, 4000),
  kind("reset Redis connections", "redis network", 3, 4000),
  ...PROVIDER_FAULTS.map((fault) => kind(`provider: ${fault}`, "provider", 2, 8000)),
  ...EXCHANGE_FAULTS.map((fault) => kind(`exchange: ${fault}`, "exchange", 1, 8000))
]

/** Longest time between the starts of two faults. */
const MAX_INTERVAL_MILLIS = 3500

/** Makes the schedule of faults, which depends only on the options. Faults of different targets may overlap. */
export const make = (options: { readonly seed: number; readonly millis: number; readonly nodes: number }) =>
  Effect.gen(function* () {
    const busyUntil = new Map<Target, number>()
    const planned: Array<PlannedFault> = []
    for (let at = 0; ;) {
      at += yield* Random.nextIntBetween(200, MAX_INTERVAL_MILLIS)
      if (at >= options.millis) return planned
      const { lastsMillis, name, target: kindOfTarget } = yield* anyKind
      const node = yield* Random.nextIntBetween(1, options.nodes)
      const share = yield* Random.nextIntBetween(10, 100)
      const parameter = yield* Random.nextIntBetween(0, 1000)
      const target: Target = kindOfTarget === "node" ? `node ${node}` : kindOfTarget
      const lasts = Math.min((lastsMillis * share) / 100, options.millis - at)
      if ((busyUntil.get(target) ?? 0) > at) continue
      // Leaves time for a killed process to restart.
      busyUntil.set(target, at + lasts + 1500)
      planned.push({ name, target, atMillis: at, lastsMillis: lasts, parameter })
    }
  }).pipe(Random.withSeed(`${options.seed} faults`))

const total = KINDS.reduce((sum, { weight }) => sum + weight, 0)

const anyKind = Effect.map(Random.next, (drawn): FaultKind => {
  let remaining = drawn * total
  return KINDS.find(({ weight }) => (remaining -= weight) < 0) ?? kind("kill a node", "node", 1, 1500)
})
