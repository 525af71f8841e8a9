/**
 * Derives JSON schemas of Kubernetes objects from the types in the npm package `cdk8s-plus-<minor>`, which its authors generate
 * from the OpenAPI document of that Kubernetes version. Unknown fields are refused. To add Kubernetes 1.34:
 *
 *     npm pack cdk8s-plus-34 && tar -xzf cdk8s-plus-34-*.tgz package/.jsii
 *     node test/ops/kubernetes/DeriveSchemas.ts package/.jsii > test/fixtures/kubernetes/1.34.json
 */
import { readFileSync } from "node:fs"

const KINDS: Readonly<Record<string, string>> = {
  "apps/v1/Deployment": "io.k8s.api.apps.v1.Deployment",
  "apps/v1/StatefulSet": "io.k8s.api.apps.v1.StatefulSet",
  "autoscaling/v2/HorizontalPodAutoscaler": "io.k8s.api.autoscaling.v2.HorizontalPodAutoscaler",
  "batch/v1/Job": "io.k8s.api.batch.v1.Job",
  "networking.k8s.io/v1/Ingress": "io.k8s.api.networking.v1.Ingress",
  "networking.k8s.io/v1/NetworkPolicy": "io.k8s.api.networking.v1.NetworkPolicy",
  "policy/v1/PodDisruptionBudget": "io.k8s.api.policy.v1.PodDisruptionBudget",
  "v1/ConfigMap": "io.k8s.api.core.v1.ConfigMap",
  "v1/Namespace": "io.k8s.api.core.v1.Namespace",
  "v1/Secret": "io.k8s.api.core.v1.Secret",
  "v1/Service": "io.k8s.api.core.v1.Service",
  "v1/ServiceAccount": "io.k8s.api.core.v1.ServiceAccount"
}

interface TypeRef {
  readonly primitive?: string
  readonly fqn?: string
  readonly collection?: { readonly kind: "array" | "map"; readonly elementtype: TypeRef }
}

interface Documented {
  readonly docs?: { readonly custom?: { readonly schema?: string } }
}

interface Property extends Documented {
  readonly name: string
  readonly optional?: boolean
  readonly type: TypeRef
}

interface Type extends Documented {
  readonly fqn: string
  readonly kind: string
  readonly properties?: ReadonlyArray<Property>
}

const assembly: { readonly name: string; readonly version: string; readonly types: Record<string, Type> } =
  JSON.parse(readFileSync(process.argv[2] ?? ".jsii", "utf8"))
const types = new Map(Object.entries(assembly.types))
const schemaOf = ({ docs }: Documented) => docs?.custom?.schema ?? ""
const bySchema = new Map(
  Array.from(types.values(), (type) => [schemaOf(type), type] as const).filter(
    ([, { fqn, kind }]) => kind === "interface" && fqn.includes(".k8s.")
  )
)

const definitions: Record<string, unknown> = {}

const nameOf = (fqn: string) => fqn.slice(fqn.lastIndexOf(".") + 1)

const convert = ({ collection, fqn, primitive }: TypeRef): unknown => {
  if (collection !== undefined) {
    const items = convert(collection.elementtype)
    return collection.kind === "array"
      ? { type: "array", items }
      : { type: "object", additionalProperties: items }
  }
  if (fqn !== undefined) {
    if (fqn.endsWith(".IntOrString") || fqn.endsWith(".Quantity")) return { type: ["integer", "string"] }
    define(fqn)
    return { $ref: `#/definitions/${nameOf(fqn)}` }
  }
  if (primitive === "any" || primitive === "json") return {}
  return { type: primitive === "date" ? "string" : primitive }
}

/** Field names are those of Kubernetes, such as `podIP`, not those of the package, such as `podIp`. */
const fieldOf = (property: Property) => schemaOf(property).split("#")[1] ?? property.name

const objectOf = ({ properties = [] }: Type) => ({
  type: "object",
  additionalProperties: false,
  properties: Object.fromEntries(properties.map((property) => [fieldOf(property), convert(property.type)])),
  required: properties.filter(({ optional }) => optional !== true).map(fieldOf)
})

function define(fqn: string) {
  const name = nameOf(fqn)
  if (name in definitions) return
  const type = types.get(fqn)
  if (type?.kind !== "interface") throw new Error(`${fqn} is not an object`)
  definitions[name] = {}
  definitions[name] = objectOf(type)
}

const kinds = Object.fromEntries(
  Object.entries(KINDS).map(([kind, schema]) => {
    const type = bySchema.get(schema)
    if (type === undefined) throw new Error(`${schema} is missing`)
    const { properties, ...rest } = objectOf(type)
    const apiVersion = kind.slice(0, kind.lastIndexOf("/"))
    const name = kind.slice(kind.lastIndexOf("/") + 1)
    return [
      kind,
      {
        ...rest,
        required: ["apiVersion", "kind", "metadata"],
        properties: { ...properties, apiVersion: { const: apiVersion }, kind: { const: name } }
      }
    ]
  })
)

const source = `npm:${assembly.name}@${assembly.version} (Apache-2.0)`
process.stdout.write(`${JSON.stringify({ source, kinds, definitions })}\n`)
