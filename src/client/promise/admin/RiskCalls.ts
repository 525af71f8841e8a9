import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import type { PagedList } from "../Pages.ts"
import type { CallOptions } from "../Requests.ts"
import type { AdminRequests, ChangeOptions, ListOptions, Reason } from "./AdminRequests.ts"
import type { ActiveRiskRules, Review, ReviewState, RiskDecision, RiskRules } from "./RiskValues.ts"

/** Movements that were held for review. */
export interface ReviewCalls {
  list(options?: ListOptions & { readonly state?: ReviewState | undefined }): PagedList<Review>
  get(reviewId: string, options?: CallOptions): Promise<Review>
  /** Moves the held money. */
  approve(reviewId: string, reason: Reason, options?: CallOptions): Promise<Review>
  /** Releases the held money. */
  reject(reviewId: string, reason: Reason, options?: CallOptions): Promise<Review>
}

/** Rules for movements. */
export interface RiskCalls {
  /** Returns the rules that apply, with their names on the wire. */
  rules(options?: CallOptions): Promise<ActiveRiskRules>
  /** Replaces all rules. */
  changeRules(rules: RiskRules, options?: ChangeOptions): Promise<ActiveRiskRules>
  /** Deletes the stored rules, so that the settings RISK_* apply again. */
  resetRules(options?: ChangeOptions): Promise<ActiveRiskRules>
  /** Lists every movement for which a rule fired, newest first. */
  decisions(options?: ListOptions & { readonly walletId?: string | undefined }): PagedList<RiskDecision>
}

/** Makes the calls that decide on held movements. */
export const makeReviews = ({ action, get, list }: AdminRequests): ReviewCalls => {
  const onReview = (name: string) =>
    action<Review, Reason>(`reviews.${name}`, (id) => `/reviews/${id}/${name}`, ["reason"])
  return {
    list: (options = {}) => list("reviews.list", "/reviews", options, ["state"]),
    get: async (id, options) =>
      get("reviews.get", `/reviews/${Options.pathId("reviewId", id)}`, "rules", options),
    approve: onReview("approve"),
    reject: onReview("reject")
  }
}

/** Makes the calls of rules. */
export const make = ({ list, sendRaw }: AdminRequests): RiskCalls => {
  const path = "/risk/rules"
  const decode = (response: Readonly<Record<string, unknown>>): ActiveRiskRules => ({
    ...Json.decode<ActiveRiskRules>(response),
    // Are sent back as they are.
    rules: Json.verbatim<RiskRules>(response["rules"])
  })
  return {
    rules: async (options) => decode(await sendRaw("risk.rules", { path }, "rules", options)),
    changeRules: async (rules, options) =>
      decode(
        await sendRaw("risk.changeRules", { path, method: "PUT", body: { ...rules } }, "rules", options)
      ),
    resetRules: async (options) =>
      decode(await sendRaw("risk.resetRules", { path, method: "DELETE" }, "rules", options)),
    decisions: (options = {}) => list("risk.decisions", "/risk/decisions", options, ["walletId"])
  }
}
