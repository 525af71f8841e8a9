import * as Routes from "../../../src/server/Routes.ts"
import * as Bodies from "./Bodies.ts"
import * as Mutations from "./Mutations.ts"
import type { RandomChoice } from "../RandomChoice.ts"
import type { Document, Operation } from "../Document.ts"
import type { RequestDraft } from "./RequestDraft.ts"
import type { Resources } from "./Resources.ts"
import type { ResponseIds } from "./ResponseIds.ts"
import * as Values from "./Values.ts"

/** Share of requests to paths that are not in the document. */
const UNDOCUMENTED_RATIO = 0.04
/** Share of requests that are valid before they are mutated, and of those among them that are sent without a mutation. */
const VALID_RATIO = 0.6
const UNMUTATED_RATIO = 0.5
/** Distribution of the number of mutations of the other requests. */
const MUTATION_COUNTS = [0, 1, 1, 1, 2] as const
/** Weight of operations other than GET, which has weight 1. */
const WRITE_WEIGHT = 3
/** Operations of weight 1 that end a session, or lock what other requests need. */
const disruptive = /\/(freeze|lock|end-sessions|revoke|logout\S*)$|^DELETE .*\/(sessions|assets)\//
/** Share of requests without optional parameters. */
const REQUIRED_ONLY_RATIO = 0.4

/** Paths that are not in the document; some of them exist. */
const undocumentedPaths = [
  ...Object.values(Routes.paths),
  "/",
  "/api/v1/nothing",
  "/favicon.ico",
  "/robots.txt"
]

/** Requests to the operations of a document. */
export interface Requests {
  /** The operation that the next request is made for; undefined for a path that is not in the document. */
  readonly pick: (random: RandomChoice) => Operation | undefined
  readonly draft: (
    random: RandomChoice,
    responseIds: ResponseIds,
    operation: Operation | undefined
  ) => RequestDraft
}

/** Generates requests to every operation of a document. */
export const make = (document: Document, resources: Resources): Requests => {
  const operations = document.operations.flatMap((operation) =>
    Array.from({ length: weightOf(operation) }, () => operation)
  )
  return {
    pick: (random) => (random.chance(UNDOCUMENTED_RATIO) ? undefined : random.pick(operations)),
    draft: (random, responseIds, operation) => {
      const isValid = random.chance(VALID_RATIO)
      const draft =
        operation === undefined
          ? draftUndocumented(random.pick(undocumentedPaths))
          : draftOperation({ random, responseIds, isValid }, operation, resources)
      if (isValid && random.chance(UNMUTATED_RATIO)) return draft
      const count = random.pick(MUTATION_COUNTS)
      for (let remaining = isValid ? Math.max(1, count) : count; remaining > 0; remaining--)
        Mutations.mutate(random, draft)
      return draft
    }
  }
}

const weightOf = ({ method, name }: Operation) =>
  method === "GET" || disruptive.test(name) ? 1 : WRITE_WEIGHT

const draftUndocumented = (path: string): RequestDraft => ({
  name: path,
  operation: undefined,
  method: path === Routes.paths.rpcHttp ? "POST" : "GET",
  path,
  query: [],
  headers: [],
  body: path === Routes.paths.rpcHttp ? Buffer.from('{"_tag":"Ping"}\n') : undefined,
  framing: "length",
  needsOwnConnection: false
})

const draftOperation = (
  material: Values.Material,
  operation: Operation,
  resources: Resources
): RequestDraft => {
  const { random, responseIds } = material
  const draft: RequestDraft = {
    name: operation.name,
    operation,
    method: operation.method,
    path: operation.path,
    query: [],
    headers: [],
    body: undefined,
    framing: "length",
    needsOwnConnection: false
  }
  const requiredOnly = random.chance(REQUIRED_ONLY_RATIO)
  const parameters = operation.parameters.filter(
    ({ required }) => required || !(requiredOnly || random.chance(0.5))
  )
  for (const parameter of parameters) {
    if (parameter.in !== "path") continue
    const value = String(Values.parameterValue(material, operation, parameter))
    draft.path = draft.path.replace(`{${parameter.name}}`, () => Mutations.escape(value))
  }
  const current = resources.at(draft.path)
  for (const parameter of parameters) {
    const { name } = parameter
    const value = () => String(Values.parameterValue(material, operation, parameter))
    if (parameter.in === "query") draft.query.push([name, Mutations.escape(value())])
    else if (name === "if-match") draft.headers.push([name, current?.etag ?? '"0"'])
    else if (parameter.in === "header") draft.headers.push([name, Mutations.headerText(value())])
  }
  if (operation.bodies.length > 0) {
    draft.body = Buffer.from(
      JSON.stringify(Bodies.make(material, operation, operation.method === "PUT" ? current?.body : undefined))
    )
    draft.headers.push(["Content-Type", "application/json"])
  }
  if (operation.responses.has(304) && random.chance(0.2)) {
    const etag = current?.etag ?? responseIds.pick(random, "if-none-match")
    if (etag !== undefined) draft.headers.push(["If-None-Match", String(etag)])
  }
  return draft
}
