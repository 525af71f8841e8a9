import { gauge, gaugeBy } from "./MetricSeries.ts"

export const isLeader = gaugeBy("effex_leader", "1 on the node that runs a cluster-wide task, by task", {
  task: ["poller", "price-poller", "sealer", "ledger", "settlement", "funding", "reviews"]
})

export const leaderTerm = gaugeBy(
  "effex_leader_term",
  "Current or last leader term of this node, by task; each new leader has a higher term",
  { task: ["poller", "price-poller", "settlement"] }
)

export const clockSkew = gauge(
  "effex_clock_skew_seconds",
  "How far the clock of this node is ahead of the database's, whose time effex uses; negative if it is behind"
)
