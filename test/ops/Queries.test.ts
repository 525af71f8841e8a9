import { assert, layer } from "@effect/vitest"
import { Effect, Schema } from "effect"
import { readFileSync } from "node:fs"
import { get, TestServer } from "../support/TestServer.ts"
import { groupsOf, selectorsOf } from "./PromQl.ts"

const textOf = (path: string) => readFileSync(new URL(`../../ops/${path}`, import.meta.url), "utf8")

const Panel = Schema.Struct({
  type: Schema.String,
  title: Schema.NonEmptyString,
  description: Schema.optionalKey(Schema.String),
  fieldConfig: Schema.optionalKey(
    Schema.Struct({ defaults: Schema.Struct({ unit: Schema.NonEmptyString }) })
  ),
  targets: Schema.optionalKey(
    Schema.Array(Schema.Struct({ expr: Schema.NonEmptyString, legendFormat: Schema.NonEmptyString }))
  )
})

const { panels } = Schema.decodeSync(Schema.fromJsonString(Schema.Struct({ panels: Schema.Array(Panel) })))(
  textOf("grafana/effex.json")
)
const charts = panels.filter(({ type }) => type !== "row")
const alerts = textOf("prometheus/alerts.yml")
  .split(/^ +- alert: /m)
  .slice(1)
const exprOf = (alert: string) => /^ +expr: (.+)$/m.exec(alert)?.[1] ?? assert.fail(alert)

/** What Prometheus adds by itself. */
const ADDED = new Set(["instance", "job"])

interface Sample {
  readonly metric: string
  readonly labels: ReadonlyMap<string, string>
}

const samples = Effect.map(get("/metrics"), ({ text }) =>
  Array.from(text.matchAll(/^(\w+)(?:\{(.*)\})? \S+$/gm), ([, metric = "", labels = ""]): Sample => ({
    metric,
    labels: new Map(
      Array.from(labels.matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g), ([, name = "", value = ""]) => [name, value])
    )
  }))
)

/** Whether a sample is one that a matcher is for; what is asked for to be otherwise must be there as a label only. */
const fits = (value: string | undefined, is: string, wanted: string) => {
  if (value === undefined) return false
  if (is === "=") return value === wanted
  return is === "=~" ? new RegExp(`^(?:${wanted})$`).test(value) : true
}

const assertFound = (query: string, found: ReadonlyArray<Sample>) => {
  const selectors = selectorsOf(query)
  assert.isNotEmpty(selectors, query)
  for (const { matchers, metric } of selectors.filter(({ metric }) => metric !== "up")) {
    const fitting = found.filter(
      (sample) =>
        sample.metric === metric &&
        matchers.every(
          ({ is, label, value }) => ADDED.has(label) || fits(sample.labels.get(label), is, value)
        )
    )
    assert.isNotEmpty(fitting, `${metric} of ${query}`)
    const grouped = groupsOf(query).filter((label) => !ADDED.has(label))
    for (const label of grouped) assert.isTrue(fitting[0]?.labels.has(label), `${label} of ${query}`)
  }
}

layer(TestServer.layer(), { excludeTestServices: true })("The queries in ops/", (it) => {
  it.effect("find every metric and label of the dashboard, on a server that nobody has asked yet", () =>
    Effect.gen(function* () {
      const found = yield* samples
      assert.isAtLeast(charts.length, 30)
      for (const { description = "", fieldConfig, targets = [], title } of charts) {
        assert.match(description, /^[A-Z0-9].{20,}\.$/, title)
        assert.isDefined(fieldConfig, title)
        assert.isNotEmpty(targets, title)
        for (const { expr, legendFormat } of targets) {
          assertFound(expr, found)
          const told = Array.from(legendFormat.matchAll(/\{\{(\w+)\}\}/g), ([, label = ""]) => label)
          const metrics = new Set(selectorsOf(expr).map(({ metric }) => metric))
          for (const label of told.filter((label) => !ADDED.has(label))) {
            const has = ({ labels, metric }: Sample) => metrics.has(metric) && labels.has(label)
            assert.isTrue(found.some(has), `${label} in the legend of ${title}`)
          }
        }
      }
    })
  )

  it.effect("find every metric and label of the alerts, which say how bad it is and what to do", () =>
    Effect.gen(function* () {
      const found = yield* samples
      assert.isAtLeast(alerts.length, 15)
      for (const alert of alerts) {
        assertFound(exprOf(alert), found)
        for (const part of [
          /^ +for: \d+m$/m,
          /^ +severity: (critical|warning)$/m,
          /^ +summary: .+/m,
          /^ +runbook: .{30,}/m
        ])
          assert.match(alert, part)
      }
    })
  )

  it.effect("would not find what is not there", () =>
    Effect.gen(function* () {
      const found = yield* samples
      for (const query of [
        "sum(effex_nothing_total)",
        'effex_rate_lookups_total{source="nowhere"}',
        'effex_rate_lookups_total{where="memory"}',
        "sum by (where) (effex_rate_lookups_total)"
      ])
        assert.throws(() => assertFound(query, found), query)
    })
  )

  it.effect("are served as Prometheus' text format has it, each family explained once", () =>
    Effect.gen(function* () {
      const { headers, text } = yield* get("/metrics")
      assert.strictEqual(headers.get("content-type"), "text/plain; version=0.0.4; charset=utf-8")
      assert.isTrue(text.endsWith("\n"))
      const types = Array.from(text.matchAll(/^# TYPE (\S+)/gm), ([, name]) => name)
      const helps = Array.from(text.matchAll(/^# HELP (\S+) .{10,}/gm), ([, name]) => name)
      assert.deepStrictEqual(types, helps)
      assert.strictEqual(new Set(types).size, types.length)
      const sampled = Array.from(text.matchAll(/^([a-z_]+(?:\{.*\})?) /gm), ([, series]) => series)
      assert.strictEqual(new Set(sampled).size, sampled.length)
    })
  )
})
