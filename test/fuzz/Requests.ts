import * as Routes from "../../src/server/Routes.ts"
import * as Mutations from "./Mutations.ts"
import type { RandomChoice } from "./RandomChoice.ts"
import type { Document, Operation } from "./Document.ts"
import type { RequestDraft } from "./RequestDraft.ts"
import type { ResponseIds } from "./ResponseIds.ts"
import * as Values from "./Values.ts"

/** Share of requests to paths that are not in the document. */
const UNDOCUMENTED_RATIO = 0.04
/** Distribution of the number of mutations per request. */
const MUTATION_COUNTS = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2] as const
/** Weight of operations other than GET, which has weight 1. */
const WRITE_WEIGHT = 3
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

/** Generates requests to every operation of a document. */
export const make = (document: Document) => {
  const operations = document.operations.flatMap((operation) =>
    Array.from({ length: operation.method === "GET" ? 1 : WRITE_WEIGHT }, () => operation)
  )

  return (random: RandomChoice, responseIds: ResponseIds): RequestDraft => {
    const draft = random.chance(UNDOCUMENTED_RATIO)
      ? draftUndocumented(random.pick(undocumentedPaths))
      : draftOperation(random, responseIds, random.pick(operations))
    for (let remaining = random.pick(MUTATION_COUNTS); remaining > 0; remaining--)
      Mutations.mutate(random, draft)
    return draft
  }
}

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
  random: RandomChoice,
  responseIds: ResponseIds,
  operation: Operation
): RequestDraft => {
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
  for (const { in: location, isEnum, name, required, samples } of operation.parameters) {
    if (!required && (requiredOnly || random.chance(0.5))) continue
    const value = String(Values.validValue(random, responseIds, name, samples, isEnum))
    if (location === "path") draft.path = draft.path.replace(`{${name}}`, () => Mutations.escape(value))
    else if (location === "query") draft.query.push([name, Mutations.escape(value)])
    else draft.headers.push([name, Mutations.headerText(value)])
  }
  if (operation.bodies.length > 0) {
    draft.body = Buffer.from(JSON.stringify(Values.validBody(random, responseIds, operation.bodies)))
    draft.headers.push(["Content-Type", "application/json"])
  }
  if (operation.responses.has(304) && random.chance(0.2)) {
    const etag = responseIds.pick(random, "if-none-match")
    if (etag !== undefined) draft.headers.push(["If-None-Match", etag])
  }
  return draft
}
