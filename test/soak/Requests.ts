import { Effect, Option, Random } from "effect"
import { Harness } from "./Harness.ts"
import { codeOf, type HttpResponse, request } from "./Http.ts"
import type { Node } from "./Nodes.ts"
import { type Outcome, Report } from "./Report.ts"

/** A response, and the name of the process that sent it. */
export type NodeResponse = HttpResponse & { readonly node: string }

/** Sends requests to nodes, and records their outcomes. */
export const make = Effect.gen(function* () {
  const { nodes } = yield* Harness
  const report = yield* Report

  const anyNode = Effect.map(
    Random.nextIntBetween(0, nodes.length, { halfOpen: true }),
    (index) => nodes[index] ?? nodes[0]
  )
  const otherNode = (node: Node | undefined) => nodes.find((candidate) => candidate !== node) ?? node

  /** Sends a request to a node, or to another one if it is down, and records the outcome. */
  const send = Effect.fnUntraced(function* (
    name: string,
    node: Node | undefined,
    path: string,
    init?: RequestInit
  ) {
    const current = node?.current() ?? otherNode(node)?.current()
    if (current === undefined) {
      report.operation(name, "lost", 0, "no node")
      return Option.none<NodeResponse>()
    }
    const response = yield* request(current.url, path, init)
    if (Option.isNone(response)) {
      report.operation(name, "lost", 0)
      return Option.none<NodeResponse>()
    }
    const { endedAt, startedAt, status } = response.value
    const outcome: Outcome = status < 400 ? "ok" : "rejected"
    report.operation(
      name,
      outcome,
      endedAt - startedAt,
      outcome === "ok" ? undefined : codeOf(response.value)
    )
    if (status >= 500 && status !== 503) {
      const detail = `${current.name}: ${init?.method ?? "GET"} ${path}: ${status} ${response.value.text}`
      yield* report.violation("no response has status 500", detail)
    }
    return Option.some<NodeResponse>({ ...response.value, node: current.name })
  })

  return { anyNode, otherNode, send }
})
