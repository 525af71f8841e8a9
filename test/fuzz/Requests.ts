import * as Routes from "../../src/server/Routes.ts"
import * as Mutations from "./Mutations.ts"
import type { RandomChoice } from "./RandomChoice.ts"
import type { Document, Operation } from "./Document.ts"
import type { RequestDraft } from "./RequestDraft.ts"
import type { ResponseIds } from "./ResponseIds.ts"
import * as Values from "./Values.ts"

/** How often a request asks for something that the document does not know. */
const ELSEWHERE = 0.04
/** How often nothing is wrong with one, one thing, two things. */
const DAMAGES = [0, 0, 0, 0, 1, 1, 1, 1, 2, 2] as const
/** How much more often those are asked for that take a body: they change something. */
const WRITES = 3
/** How often nothing is said that may be left out. */
const SPARSE = 0.4

/** Where there is something that is not in the document, or nothing. */
const elsewhere = [...Object.values(Routes.paths), "/", "/api/v1/nothing", "/favicon.ico", "/robots.txt"]

/** Requests to everything in a document. */
export const make = (document: Document, harvest: ResponseIds) => {
  const operations = document.operations.flatMap((operation) =>
    Array.from({ length: operation.method === "GET" ? 1 : WRITES }, () => operation)
  )

  /** One request, right or wrong, as the dice fall. */
  return (dice: RandomChoice): RequestDraft => {
    const draft = dice.chance(ELSEWHERE)
      ? draftElsewhere(dice.pick(elsewhere))
      : draftOf(dice, harvest, dice.pick(operations))
    for (let wrong = dice.pick(DAMAGES); wrong > 0; wrong--) Mutations.damage(dice, draft)
    return draft
  }
}

const draftElsewhere = (path: string): RequestDraft => ({
  name: path,
  operation: undefined,
  method: path === Routes.paths.rpcHttp ? "POST" : "GET",
  path,
  query: [],
  headers: [],
  body: path === Routes.paths.rpcHttp ? Buffer.from('{"_tag":"Ping"}\n') : undefined,
  framing: "length",
  apart: false
})

const draftOf = (dice: RandomChoice, harvest: ResponseIds, operation: Operation): RequestDraft => {
  const draft: RequestDraft = {
    name: operation.name,
    operation,
    method: operation.method,
    path: operation.path,
    query: [],
    headers: [],
    body: undefined,
    framing: "length",
    apart: false
  }
  const sparse = dice.chance(SPARSE)
  for (const { closed, in: place, name, required, samples } of operation.parameters) {
    if (!required && (sparse || dice.chance(0.5))) continue
    const value = String(Values.fitting(dice, harvest, name, samples, closed))
    if (place === "path") draft.path = draft.path.replace(`{${name}}`, () => Mutations.escape(value))
    else if (place === "query") draft.query.push([name, Mutations.escape(value)])
    else draft.headers.push([name, Mutations.headerText(value)])
  }
  if (operation.bodies.length > 0) {
    draft.body = Buffer.from(JSON.stringify(Values.fittingBody(dice, harvest, operation.bodies)))
    draft.headers.push(["Content-Type", "application/json"])
  }
  if (operation.answers.has(304) && dice.chance(0.2)) {
    const etag = harvest.draw(dice, "if-none-match")
    if (etag !== undefined) draft.headers.push(["If-None-Match", etag])
  }
  return draft
}
