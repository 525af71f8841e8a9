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

/** Labels that Prometheus adds. */
const PROMETHEUS_LABELS = new Set(["instance", "job"])

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

/** Returns true if a label value satisfies a matcher. Negative matchers only need the label. */
const matches = (value: string | undefined, operator: string, expected: string) => {
  if (value === undefined) return false
  if (operator === "=") return value === expected
  return operator === "=~" ? new RegExp(`^(?:${expected})$`).test(value) : true
}

const assertFound = (query: string, found: ReadonlyArray<Sample>) => {
  const selectors = selectorsOf(query)
  assert.isNotEmpty(selectors, query)
  for (const { matchers, metric } of selectors.filter(({ metric }) => metric !== "up")) {
    const matching = found.filter(
      (sample) =>
        sample.metric === metric &&
        matchers.every(
          ({ label, operator, value }) =>
            PROMETHEUS_LABELS.has(label) || matches(sample.labels.get(label), operator, value)
        )
    )
    assert.isNotEmpty(matching, `${metric} of ${query}`)
    const grouped = groupsOf(query).filter((label) => !PROMETHEUS_LABELS.has(label))
    for (const label of grouped) assert.isTrue(matching[0]?.labels.has(label), `${label} of ${query}`)
  }
}

layer(TestServer.layer(), { excludeTestServices: true })("The queries in ops/", (it) => {
  it.effect("use only metrics and labels that exist on a new server, in the dashboard", () =>
    Effect.gen(function* () {
      const found = yield* samples
      assert.isAtLeast(charts.length, 30)
      for (const { description = "", fieldConfig, targets = [], title } of charts) {
        assert.match(description, /^[A-Z0-9].{20,}\.$/, title)
        assert.isDefined(fieldConfig, title)
        assert.isNotEmpty(targets, title)
        for (const { expr, legendFormat } of targets) {
          assertFound(expr, found)
          const legendLabels = Array.from(legendFormat.matchAll(/\{\{(\w+)\}\}/g), ([, label = ""]) => label)
          const metrics = new Set(selectorsOf(expr).map(({ metric }) => metric))
          for (const label of legendLabels.filter((label) => !PROMETHEUS_LABELS.has(label))) {
            const has = ({ labels, metric }: Sample) => metrics.has(metric) && labels.has(label)
            assert.isTrue(found.some(has), `${label} in the legend of ${title}`)
          }
        }
      }
    })
  )

  it.effect("use only metrics and labels that exist in the alerts, which have a severity and a runbook", () =>
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

  it.effect("fail the check for unknown metrics and labels", () =>
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

  it.effect("read metrics in the Prometheus text format, with one HELP line per family", () =>
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
