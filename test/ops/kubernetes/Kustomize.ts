import { readFileSync, statSync } from "node:fs"
import { join } from "node:path"
import * as Yaml from "yaml"

/** A value of a manifest. */
export type Value = string | number | boolean | null | ReadonlyArray<Value> | Fields
export interface Fields {
  readonly [field: string]: Value
}

/** A Kubernetes object. */
export interface Manifest extends Fields {
  readonly apiVersion: string
  readonly kind: string
  readonly metadata: Fields & { readonly name: string }
}

interface Generator {
  readonly name: string
  readonly behavior?: "create" | "merge"
  readonly literals: ReadonlyArray<string>
}

interface Kustomization {
  readonly namespace?: string
  readonly resources?: ReadonlyArray<string>
  readonly labels?: ReadonlyArray<{ readonly pairs: Fields }>
  readonly patches?: ReadonlyArray<{ readonly path: string }>
  readonly images?: ReadonlyArray<{
    readonly name: string
    readonly newName: string
    readonly newTag: string
  }>
  readonly configMapGenerator?: ReadonlyArray<Generator>
  readonly secretGenerator?: ReadonlyArray<Generator>
}

/** What {@link render} understands. */
const FIELDS = new Set([
  "apiVersion",
  "kind",
  "namespace",
  "resources",
  "labels",
  "patches",
  "images",
  "configMapGenerator",
  "secretGenerator"
])

/** Parses the documents of a YAML file. */
export const parse = <A>(file: string): ReadonlyArray<A> =>
  Yaml.parseAllDocuments(readFileSync(file, "utf8"), { strict: true }).map((document) => {
    const [error] = document.errors
    if (error !== undefined) throw new Error(`${file}: ${error.message}`)
    return document.toJS()
  })

const isFields = (value: Value | undefined): value is Fields =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** Merges as kustomize does: fields one by one, containers by name, other lists as a whole. */
export const merge = (base: Value | undefined, patch: Value, field = ""): Value => {
  if (field === "containers" && Array.isArray(base) && Array.isArray(patch)) {
    const nameOf = (value: Value) => (isFields(value) ? value["name"] : undefined)
    return base.map((container: Value) => {
      const change = patch.find((other) => nameOf(other) === nameOf(container))
      return change === undefined ? container : merge(container, change)
    })
  }
  if (!isFields(base) || !isFields(patch)) return patch
  return {
    ...base,
    ...Object.fromEntries(
      Object.entries(patch).map(([name, value]) => [name, merge(base[name], value, name)])
    )
  }
}

/** Changes every value of a field, at any depth. */
const mapField = (value: Value, field: string, change: (value: Value) => Value): Value => {
  if (Array.isArray(value)) return value.map((item) => mapField(item, field, change))
  if (!isFields(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name,
      name === field ? change(inner) : mapField(inner, field, change)
    ])
  )
}

const nameOf = ({ kind, metadata }: Manifest) => `${kind}/${metadata.name}`

/** Replaces the object of that name with the result of a change. */
const changing = (
  manifests: ReadonlyArray<Manifest>,
  name: string,
  change: (manifest: Manifest) => Value
): ReadonlyArray<Manifest> => {
  if (!manifests.some((manifest) => nameOf(manifest) === name)) throw new Error(`${name} does not exist`)
  return manifests.map((manifest) => (nameOf(manifest) === name ? (change(manifest) as Manifest) : manifest))
}

const entriesOf = ({ literals }: Generator) =>
  literals.map((literal) => [literal.slice(0, literal.indexOf("=")), literal.slice(literal.indexOf("=") + 1)])

const generate = (
  manifests: ReadonlyArray<Manifest>,
  kind: "ConfigMap" | "Secret",
  generator: Generator
): ReadonlyArray<Manifest> => {
  const data = Object.fromEntries(
    entriesOf(generator).map(([name, value = ""]) => [
      name,
      kind === "Secret" ? Buffer.from(value).toString("base64") : value
    ])
  )
  return generator.behavior === "merge"
    ? changing(manifests, `${kind}/${generator.name}`, (manifest) => merge(manifest, { data }))
    : [
        ...manifests,
        {
          apiVersion: "v1",
          kind,
          metadata: { name: generator.name },
          data,
          ...(kind === "Secret" ? { type: "Opaque" } : {})
        }
      ]
}

/**
 * Renders a folder like `kubectl kustomize`, as far as the folders in `ops/kubernetes` need it. The names of generated objects
 * have no hash. Fails for a kustomization with other fields.
 */
export const render = (folder: string): ReadonlyArray<Manifest> => {
  const [kustomization = {}] = parse<Kustomization>(join(folder, "kustomization.yaml"))
  const unknown = Object.keys(kustomization).filter((field) => !FIELDS.has(field))
  if (unknown.length > 0) throw new Error(`${folder}: ${unknown.join(", ")} is not supported here`)
  const { configMapGenerator = [], images = [], labels = [], namespace } = kustomization
  const { patches = [], resources = [], secretGenerator = [] } = kustomization

  let manifests: ReadonlyArray<Manifest> = resources.flatMap((resource) => {
    const path = join(folder, resource)
    return statSync(path).isDirectory() ? render(path) : parse<Manifest>(path)
  })
  for (const generator of configMapGenerator) manifests = generate(manifests, "ConfigMap", generator)
  for (const generator of secretGenerator) manifests = generate(manifests, "Secret", generator)
  for (const { path } of patches) {
    for (const patch of parse<Manifest>(join(folder, path)))
      manifests = changing(manifests, nameOf(patch), (manifest) => merge(manifest, patch))
  }
  const withLabels: Fields = Object.fromEntries(labels.flatMap(({ pairs }) => Object.entries(pairs)))
  const imageOf = (image: Value) => {
    const found = images.find(
      ({ name }) => typeof image === "string" && image.replace(/:[^/]*$/, "") === name
    )
    return found === undefined ? image : `${found.newName}:${found.newTag}`
  }
  return manifests.map((manifest) => {
    const metadata: Fields = {
      ...(Object.keys(withLabels).length === 0 ? {} : { labels: withLabels }),
      ...(namespace === undefined || manifest.kind === "Namespace" ? {} : { namespace })
    }
    return mapField(merge(manifest, { metadata }), "image", imageOf) as Manifest
  })
}
