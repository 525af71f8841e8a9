import { assert, describe, it } from "@effect/vitest"
import { Ajv } from "ajv"
import { ConfigProvider, Duration, Effect, FileSystem, Schedule } from "effect"
import { NodeServices } from "@effect/platform-node"
import { spawnSync } from "node:child_process"
import { readFileSync } from "node:fs"
import { fileURLToPath } from "node:url"
import * as Yaml from "yaml"
import * as Definitions from "../../../src/config/SettingDefinitions.ts"
import { inspect } from "../../../src/config/Settings.ts"
import { ALL_METRICS } from "../../../src/platform/metrics/AllMetrics.ts"
import * as Effex from "../../support/Effex.ts"
import * as TestDatabase from "../../support/TestDatabase.ts"
import { TIMEOUT_MILLIS } from "../../support/Waiters.ts"
import * as Kustomize from "./Kustomize.ts"

const VERSIONS = ["1.32", "1.33", "1.34"]
const OVERLAYS = ["local", "production"] as const
type Overlay = (typeof OVERLAYS)[number]

const fileOf = (path: string) => fileURLToPath(new URL(`../../../${path}`, import.meta.url))
const folderOf = (overlay: Overlay) => fileOf(`ops/kubernetes/overlays/${overlay}`)
const rendered = {
  local: Kustomize.render(folderOf("local")),
  production: Kustomize.render(folderOf("production"))
}
const guide = readFileSync(fileOf("docs/kubernetes.md"), "utf8")

interface Container {
  readonly name: string
  readonly image: string
  readonly args?: ReadonlyArray<string>
  readonly ports?: ReadonlyArray<{ readonly name: string; readonly containerPort: number }>
  readonly env?: ReadonlyArray<{ readonly name: string }>
  readonly securityContext: unknown
  readonly resources: { readonly requests: object; readonly limits: object }
  readonly startupProbe?: Probe
  readonly livenessProbe?: Probe
  readonly readinessProbe?: Probe
}
interface Probe {
  readonly httpGet?: { readonly path: string; readonly port: string }
}
interface Pod {
  readonly metadata: {
    readonly labels: Record<string, string>
    readonly annotations?: Record<string, string>
  }
  readonly spec: {
    readonly initContainers?: ReadonlyArray<Container>
    readonly containers: ReadonlyArray<Container>
    readonly volumes?: ReadonlyArray<object>
    readonly securityContext: unknown
    readonly automountServiceAccountToken: boolean
    readonly terminationGracePeriodSeconds?: number
  }
}
interface Described {
  readonly spec: {
    readonly template: Pod
    readonly activeDeadlineSeconds?: number
    readonly selector: { readonly matchLabels: Record<string, string> } & Record<string, string>
    readonly ports: ReadonlyArray<{ readonly name: string; readonly targetPort: string }>
    readonly scaleTargetRef: { readonly kind: string; readonly name: string }
    readonly metrics: ReadonlyArray<{ readonly pods?: { readonly metric: { readonly name: string } } }>
    readonly rules: ReadonlyArray<{
      readonly http: {
        readonly paths: ReadonlyArray<{
          readonly backend: {
            readonly service: { readonly name: string; readonly port: { readonly name: string } }
          }
        }>
      }
    }>
  }
  readonly data: Record<string, string>
}
type Found = Kustomize.Manifest & Described

const all = (overlay: Overlay, kind: string) =>
  rendered[overlay].filter((manifest): manifest is Found => manifest.kind === kind)
const find = (overlay: Overlay, kind: string, name: string) =>
  all(overlay, kind).find(({ metadata }) => metadata.name === name) ?? assert.fail(`${kind} ${name}`)
const workloads = (overlay: Overlay) =>
  ["Deployment", "StatefulSet", "Job"].flatMap((kind) => all(overlay, kind))
const nodes = (overlay: Overlay) => find(overlay, "Deployment", "effex").spec.template
const nodeContainer = (overlay: Overlay) => nodes(overlay).spec.containers[0] ?? assert.fail("no container")

const schemasOf = (version: string) => {
  const { definitions, kinds } = JSON.parse(
    readFileSync(fileOf(`test/fixtures/kubernetes/${version}.json`), "utf8")
  )
  return new Ajv({ allErrors: true, strict: false }).addSchema({ $id: version, definitions, kinds })
}

/** Returns what a version of Kubernetes refuses in an object. */
const refused = (ajv: Ajv, version: string, manifest: Kustomize.Manifest) => {
  const kind = `${manifest.apiVersion}/${manifest.kind}`.replaceAll("/", "~1")
  const validate = ajv.getSchema(`${version}#/kinds/${kind}`)
  if (validate === undefined) return [`${kind} is unknown`]
  validate(manifest)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}`)
}

/** The settings of an overlay: what its config map has, and what its secret has or should have according to the guide. */
const settingsOf = (overlay: Overlay) => {
  const secrets = all(overlay, "Secret").flatMap(({ data }) =>
    Object.entries(data).map(([name, value]) => [name, Buffer.from(value, "base64").toString()])
  )
  const documented = Array.from(
    guide.matchAll(/^ +--from-literal=(\w+)=(.+?)(?: \\)?$/gm),
    ([, name = "", value = ""]) => [
      name,
      value.replace('"$(openssl rand -base64 32)"', Buffer.alloc(32, 7).toString("base64"))
    ]
  )
  return Object.fromEntries([
    ...Object.entries(find(overlay, "ConfigMap", "effex-settings").data),
    ...(secrets.length > 0 ? secrets : documented)
  ]) as Record<string, string>
}

describe.each(VERSIONS)("Kubernetes %s", (version) => {
  const ajv = schemasOf(version)

  it("accepts every object of every overlay", () => {
    for (const overlay of OVERLAYS) {
      assert.isAtLeast(rendered[overlay].length, 9)
      for (const manifest of rendered[overlay])
        assert.deepStrictEqual(refused(ajv, version, manifest), [], `${manifest.kind} of ${overlay}`)
    }
  })

  it("refuses unknown fields, missing fields and wrong types", () => {
    const deployment = find("production", "Deployment", "effex")
    const withSpec = (spec: Kustomize.Fields) => Kustomize.merge(deployment, { spec }) as Kustomize.Manifest
    assert.deepStrictEqual(refused(ajv, version, withSpec({ replica: 1 })), [
      "/spec must NOT have additional properties"
    ])
    assert.deepStrictEqual(refused(ajv, version, withSpec({ replicas: "two" })), [
      "/spec/replicas must be number"
    ])
    const { spec: _, ...rest } = deployment
    const incomplete = { ...rest, spec: { replicas: 1 } }
    assert.include(refused(ajv, version, incomplete), "/spec must have required property 'selector'")
  })
})

describe.each(OVERLAYS)("The overlay %s", (overlay) => {
  it("has only settings of effex, which it accepts", () => {
    const settings = settingsOf(overlay)
    const known = new Set(Definitions.all.map(({ name }) => name))
    assert.deepStrictEqual(
      Object.keys(settings).filter((name) => !known.has(name)),
      []
    )
    const { invalid } = Effect.runSync(
      Effect.provideService(inspect, ConfigProvider.ConfigProvider, ConfigProvider.fromEnv({ env: settings }))
    )
    assert.deepStrictEqual(invalid, [])
  })

  it("gives nodes every secret that they must share", () => {
    const settings = settingsOf(overlay)
    for (const name of ["DATABASE_URL", "AUDIT_SIGNING_KEY", "JWT_SIGNING_KEY", "MFA_ENCRYPTION_KEY"])
      assert.isNotEmpty(settings[name] ?? "", name)
    const secret = new Set(Definitions.all.filter(({ isSecret }) => isSecret).map(({ name }) => name))
    const open = Object.keys(find(overlay, "ConfigMap", "effex-settings").data)
    assert.deepStrictEqual(
      open.filter((name) => secret.has(name)),
      []
    )
  })

  it("runs without privileges, on a read-only file system, with limits of memory", () => {
    assert.isNotEmpty(workloads(overlay))
    for (const { metadata, spec } of workloads(overlay)) {
      const pod = spec.template.spec
      assert.isFalse(pod.automountServiceAccountToken, metadata.name)
      assert.deepInclude(pod.securityContext, {
        runAsNonRoot: true,
        seccompProfile: { type: "RuntimeDefault" }
      })
      for (const field of ["hostNetwork", "hostPID", "hostIPC"]) assert.notProperty(pod, field)
      const volumes = (pod.volumes ?? []).flatMap((volume) => Object.keys(volume))
      assert.deepStrictEqual(
        volumes.filter((name) => name !== "name" && name !== "emptyDir"),
        []
      )
      for (const { resources, securityContext } of [...(pod.initContainers ?? []), ...pod.containers]) {
        assert.deepStrictEqual(securityContext, {
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ["ALL"] }
        })
        assert.hasAllKeys(resources.requests, ["cpu", "memory"])
        assert.containsAllKeys(resources.limits, ["memory"])
      }
    }
    const [namespace] = all(overlay, "Namespace")
    assert.deepInclude(namespace?.metadata["labels"], { "pod-security.kubernetes.io/enforce": "restricted" })
  })

  it("refers only to names and ports that exist", () => {
    const container = nodeContainer(overlay)
    assert.deepStrictEqual(container.ports, [
      { name: "http", containerPort: Number(settingsOf(overlay)["PORT"]) }
    ])
    for (const { httpGet } of probesOf(container)) assert.strictEqual(httpGet?.port, "http")
    assert.strictEqual(
      nodes(overlay).metadata.annotations?.["prometheus.io/port"],
      settingsOf(overlay)["PORT"]
    )
    const service = find(overlay, "Service", "effex")
    assert.deepStrictEqual(
      service.spec.ports.map(({ targetPort }) => targetPort),
      ["http"]
    )
    const { labels } = nodes(overlay).metadata
    assert.deepInclude(labels, service.spec.selector)
    for (const [kind, name] of [
      ["Deployment", "effex"],
      ["PodDisruptionBudget", "effex"]
    ] as const)
      assert.deepInclude(labels, find(overlay, kind, name).spec.selector.matchLabels)
    for (const { http } of find(overlay, "Ingress", "effex").spec.rules) {
      for (const { backend } of http.paths)
        assert.isTrue(
          find(overlay, "Service", backend.service.name).spec.ports.some(
            ({ name }) => name === backend.service.port.name
          )
        )
    }
    const { metrics, scaleTargetRef } = find(overlay, "HorizontalPodAutoscaler", "effex").spec
    find(overlay, scaleTargetRef.kind, scaleTargetRef.name)
    const names = metrics.flatMap(({ pods }) => (pods === undefined ? [] : [pods.metric.name]))
    assert.deepStrictEqual(names, ["effex_stream_connections"])
    assert.isTrue(ALL_METRICS.some(({ id }) => id === "effex_stream_connections"))
  })

  it("migrates without a limit that a large index could reach", () => {
    const job = find(overlay, "Job", "effex-migrate").spec
    const migration = job.template.spec.containers[0] ?? assert.fail("no container")
    assert.isAtLeast(job.activeDeadlineSeconds ?? 0, Duration.toSeconds("6 hours"))
    assert.deepStrictEqual(nodes(overlay).spec.initContainers, [migration])
    assert.deepStrictEqual(probesOf(migration), [])
  })

  it("leaves a node time for its shutdown", () => {
    const { settings } = Effect.runSync(
      Effect.provideService(
        inspect,
        ConfigProvider.ConfigProvider,
        ConfigProvider.fromEnv({ env: settingsOf(overlay) })
      )
    )
    const delay = Duration.toSeconds(settings.shutdownDelay)
    assert.isAtLeast(delay, 5)
    // Ten seconds are for running requests.
    assert.isAtLeast(nodes(overlay).spec.terminationGracePeriodSeconds ?? 0, delay + 10 + 5)
  })

  const kubectl = spawnSync("kubectl", ["kustomize", folderOf(overlay)], { encoding: "utf8" })

  it.skipIf(kubectl.status !== 0)("is rendered by kubectl in the same way", () => {
    const sorted = (manifests: ReadonlyArray<Kustomize.Manifest>) =>
      manifests.toSorted((a, b) => `${a.kind}${a.metadata.name}`.localeCompare(`${b.kind}${b.metadata.name}`))
    const byKubectl = Yaml.parseAllDocuments(
      kubectl.stdout.replaceAll(/(effex-(?:settings|secrets))-[a-z0-9]{10}/g, "$1")
    ).map((document): Kustomize.Manifest => document.toJS())
    assert.deepStrictEqual(sorted(rendered[overlay]), sorted(byKubectl))
  })
})

const probesOf = ({ livenessProbe, readinessProbe, startupProbe }: Container) =>
  [startupProbe, livenessProbe, readinessProbe].filter((probe) => probe !== undefined)

describe("A node with the settings of the overlay local", () => {
  it.live("migrates, starts and answers every probe and the metrics", () =>
    Effect.gen(function* () {
      const fs = yield* FileSystem.FileSystem
      const env = {
        ...settingsOf("local"),
        DATABASE_URL: yield* TestDatabase.createEmpty,
        DATA_DIR: yield* fs.makeTempDirectoryScoped(),
        REDIS_URL: "",
        HOST: "127.0.0.1",
        PORT: "0"
      }
      const job = find("local", "Job", "effex-migrate").spec.template.spec.containers[0]
      const migration = yield* Effex.run(job?.args ?? [], env)
      yield* migration.written(/The database is up to date/)
      assert.deepStrictEqual(nodeContainer("local").args, ["serve"])
      const { url } = yield* Effex.serve(env)
      const paths = probesOf(nodeContainer("local")).map(({ httpGet }) => httpGet?.path ?? "")
      assert.deepStrictEqual(paths, ["/health/live", "/health/live", "/health/ready"])
      const scraped = nodes("local").metadata.annotations?.["prometheus.io/path"] ?? ""
      for (const path of [...paths, scraped]) {
        // Ready after the first poll.
        yield* Effex.get(url, path).pipe(
          Effect.repeat({ until: ({ status }) => status === 200, schedule: Schedule.spaced("100 millis") }),
          Effect.timeoutOrElse({
            duration: TIMEOUT_MILLIS,
            orElse: () => Effect.die(new Error(`${path} did not answer 200`))
          })
        )
      }
    }).pipe(Effect.provide(NodeServices.layer))
  )
})
