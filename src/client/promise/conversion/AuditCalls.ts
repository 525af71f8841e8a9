import * as Json from "../Json.ts"
import * as Options from "../Options.ts"
import * as Pages from "../Pages.ts"
import { CALL_OPTIONS, type CallOptions, send, type ServerAccess } from "../Requests.ts"
import type { AuditHead, AuditKeys, AuditRecord, Consistency, Receipt, Verification } from "../Values.ts"

/** Selects audit records. */
export interface AuditFilter extends CallOptions {
  readonly from?: string | undefined
  readonly to?: string | undefined
  readonly reference?: string | undefined
  /** Start of the range, inclusive. */
  readonly since?: Date | string | undefined
  /** End of the range, exclusive. */
  readonly until?: Date | string | undefined
  /**
   * Returns the sealed records after this position, oldest first. To follow the audit without missing a record, pass the
   * `position` of the last one that you have; 0 starts at the beginning.
   */
  readonly after?: number | undefined
  /** Records per request, 1 to 1000. Default: 50. */
  readonly pageSize?: number | undefined
}

export interface VerifyHeadsOptions extends CallOptions {
  /** The public key to trust. Default: the key of the server. */
  readonly publicKey?: string | undefined
}

/** Calls that read the audit. */
export interface AuditCalls {
  /** Lists conversions, newest first, or in sealed order with `after`. */
  conversions(filter?: AuditFilter): Pages.PagedList<AuditRecord>
  /** Returns the audit record of a conversion. */
  conversion(auditId: string, options?: CallOptions): Promise<AuditRecord>
  /** Returns the proof that a conversion is in the audit. `verifyReceipt` verifies it offline. */
  receipt(auditId: string, options?: CallOptions): Promise<Receipt>
  /** Returns at most 1000 signed heads after a tree size, in order. */
  auditHeads(after?: number, options?: CallOptions): Promise<ReadonlyArray<AuditHead>>
  /** Recomputes the whole audit on the server. */
  verifyAudit(options?: CallOptions): Promise<Verification>
  /** Recomputes the whole audit on the server, and verifies that signed heads that you kept are prefixes of it. */
  verifyAuditHeads(heads: ReadonlyArray<AuditHead>, options?: VerifyHeadsOptions): Promise<Verification>
  /** Returns the proof (RFC 6962) that the audit of one size is a prefix of that of another. */
  auditConsistency(from: number, to: number, options?: CallOptions): Promise<Consistency>
  /** Returns the key that signs the audit, and its rotations. */
  auditKeys(options?: CallOptions): Promise<AuditKeys>
}

const FILTER_OPTIONS = [
  "from",
  "to",
  "reference",
  "since",
  "until",
  "after",
  "pageSize",
  ...CALL_OPTIONS
] as const

/** Makes the calls that read the audit, with the API key or, for administrators, as the user who is signed in. */
export const make = (access: ServerAccess, as: "key" | "user" = "key"): AuditCalls => ({
  conversions(filter = {}) {
    Options.requireKnown("conversions", filter, FILTER_OPTIONS)
    const { after, from, pageSize, reference, since, to, until } = filter
    const query = {
      from: from === undefined ? undefined : Options.currency("from", from),
      to: to === undefined ? undefined : Options.currency("to", to),
      reference,
      since: Options.timeText("since", since),
      until: Options.timeText("until", until),
      after: after === undefined ? undefined : positionText(after, "a position of the audit"),
      page_size: Options.pageSize(pageSize)
    }
    return Pages.read<AuditRecord>(access, { path: "/api/v1/audit/conversions", query, as }, filter)
  },

  async conversion(auditId, options = {}) {
    Options.requireKnown("conversion", options, CALL_OPTIONS)
    return Json.decode<AuditRecord>(await send(access, { path: pathOf(auditId), as }, "audit_id", options))
  },

  async receipt(auditId, options = {}) {
    Options.requireKnown("receipt", options, CALL_OPTIONS)
    return Json.verbatim<Receipt>(
      await send(access, { path: `${pathOf(auditId)}/receipt`, as }, "proof", options)
    )
  },

  async auditHeads(after = 0, options = {}) {
    Options.requireKnown("auditHeads", options, CALL_OPTIONS)
    const query = { after: positionText(after, "a tree size") }
    const { heads } = await send(access, { path: "/api/v1/audit/heads", query, as }, "heads", options)
    return Json.verbatim<ReadonlyArray<AuditHead>>(heads)
  },

  async verifyAudit(options = {}) {
    Options.requireKnown("verifyAudit", options, CALL_OPTIONS)
    return Json.decode<Verification>(await send(access, { path: "/api/v1/audit/verify", as }, "ok", options))
  },

  async verifyAuditHeads(heads, { publicKey, ...options } = {}) {
    Options.requireKnown("verifyAuditHeads", options, CALL_OPTIONS)
    const request = { path: "/api/v1/audit/verify", body: { heads, public_key: publicKey }, as }
    return Json.decode<Verification>(await send(access, request, "ok", options))
  },

  async auditConsistency(from, to, options = {}) {
    Options.requireKnown("auditConsistency", options, CALL_OPTIONS)
    const query = { from: positionText(from, "a tree size"), to: positionText(to, "a tree size") }
    const request = { path: "/api/v1/audit/consistency", query, as }
    return Json.verbatim<Consistency>(await send(access, request, "proof", options))
  },

  async auditKeys(options = {}) {
    Options.requireKnown("auditKeys", options, CALL_OPTIONS)
    return Json.verbatim<AuditKeys>(
      await send(access, { path: "/api/v1/audit/keys", as }, "public_key", options)
    )
  }
})

const pathOf = (auditId: string) => `/api/v1/audit/conversions/${Options.pathId("auditId", auditId)}`

const positionText = (after: number, description: string) => {
  if (!Number.isSafeInteger(after) || after < 0) throw Options.invalid("after", description, after)
  return String(after)
}
