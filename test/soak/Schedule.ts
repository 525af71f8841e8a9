import { Effect, Random } from "effect"
import { FAULTS as PROVIDER_FAULTS, type ProviderFault } from "./Provider.ts"

/** What a fault befalls: at most one at a time befalls each. */
export type Target = "provider" | "postgres" | "postgres way" | "redis" | "redis way" | `node ${number}`

/** What happens to the machines and the ways between them, as it is named in the report. */
export type MachineFault =
  | "kill a node"
  | "stop a node"
  | "freeze a node"
  | "kill Postgres"
  | "terminate sessions"
  | "Postgres swallowed"
  | "Postgres mute"
  | "Postgres reset"
  | "Postgres far away"
  | "Postgres in slices"
  | "kill Redis"
  | "freeze Redis"
  | "flush Redis"
  | "fill Redis"
  | "Redis swallowed"
  | "Redis reset"

export type FaultName = MachineFault | `provider: ${ProviderFault}`

export interface PlannedFault {
  readonly name: FaultName
  readonly target: Target
  /** From the beginning of the faults. */
  readonly atMillis: number
  readonly lastsMillis: number
  /** Decides what is left open, such as which sessions are ended. */
  readonly die: number
}

interface Kind {
  readonly name: FaultName
  readonly target: "node" | Exclude<Target, `node ${number}`>
  readonly weight: number
  /** At most; the least is a tenth of it. */
  readonly lastsMillis: number
}

const kind = (name: FaultName, target: Kind["target"], weight: number, lastsMillis: number): Kind => ({
  name,
  target,
  weight,
  lastsMillis
})

const KINDS: ReadonlyArray<Kind> = [
  kind("kill a node", "node", 6, 1500),
  kind("stop a node", "node", 3, 1500),
  kind("freeze a node", "node", 5, 20_000),
  kind("kill Postgres", "postgres", 4, 3000),
  kind("terminate sessions", "postgres", 6, 100),
  kind("Postgres swallowed", "postgres way", 3, 6000),
  kind("Postgres mute", "postgres way", 3, 4000),
  kind("Postgres reset", "postgres way", 3, 4000),
  kind("Postgres far away", "postgres way", 2, 4000),
  kind("Postgres in slices", "postgres way", 2, 4000),
  kind("kill Redis", "redis", 4, 3000),
  kind("freeze Redis", "redis", 4, 6000),
  kind("flush Redis", "redis", 4, 100),
  kind("fill Redis", "redis", 3, 4000),
  kind("Redis swallowed", "redis way", 3, 4000),
  kind("Redis reset", "redis way", 3, 4000),
  ...PROVIDER_FAULTS.map((fault) => kind(`provider: ${fault}`, "provider", 2, 8000))
]

/** Between the beginnings of two faults, at most. */
const LONGEST_PAUSE_MILLIS = 3500

/** All faults of a soak, in their order: the seed decides everything. Some overlap, as they do in life. */
export const make = (options: { readonly seed: number; readonly millis: number; readonly nodes: number }) =>
  Effect.gen(function* () {
    const busyUntil = new Map<Target, number>()
    const planned: Array<PlannedFault> = []
    for (let at = 0; ;) {
      at += yield* Random.nextIntBetween(200, LONGEST_PAUSE_MILLIS)
      if (at >= options.millis) return planned
      const { lastsMillis, name, target: kindOfTarget } = yield* anyKind
      const node = yield* Random.nextIntBetween(1, options.nodes)
      const share = yield* Random.nextIntBetween(10, 100)
      const die = yield* Random.nextIntBetween(0, 1000)
      const target: Target = kindOfTarget === "node" ? `node ${node}` : kindOfTarget
      const lasts = Math.min((lastsMillis * share) / 100, options.millis - at)
      if ((busyUntil.get(target) ?? 0) > at) continue
      // It takes a while until what was killed is there again.
      busyUntil.set(target, at + lasts + 1500)
      planned.push({ name, target, atMillis: at, lastsMillis: lasts, die })
    }
  }).pipe(Random.withSeed(`${options.seed} faults`))

const total = KINDS.reduce((sum, { weight }) => sum + weight, 0)

const anyKind = Effect.map(Random.next, (drawn): Kind => {
  let left = drawn * total
  return KINDS.find(({ weight }) => (left -= weight) < 0) ?? kind("kill a node", "node", 1, 1500)
})
