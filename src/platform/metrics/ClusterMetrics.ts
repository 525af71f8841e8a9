import { gaugeBy } from "./MetricSeries.ts"

export const isLeader = gaugeBy("effex_leader", "1 on the node that runs a cluster-wide task, by task", {
  task: ["poller", "sealer"]
})

export const leaderTerm = gaugeBy(
  "effex_leader_term",
  "Current or last leader term of this node, by task; each new leader has a higher term",
  { task: ["poller"] }
)
