import { idempotencyKeyOf } from "../IdempotentRequests.ts"
import * as Options from "../Options.ts"
import type { PagedList } from "../Pages.ts"
import { type CallOptions, keyHeaders, type ServerAccess, type UserAuthorization } from "../Requests.ts"
import type { FundingDirection, FundingState } from "../wallets/WalletValues.ts"
import * as AdminRequests from "./AdminRequests.ts"
import type { ListOptions, Reason } from "./AdminRequests.ts"
import type {
  AdminAction,
  Adjustment,
  Batch,
  BatchDetail,
  BatchState,
  CatalogAsset,
  LedgerAccount,
  LedgerEntry,
  LedgerTransfer,
  LedgerVerification,
  ManagedFunding,
  ManagedUser,
  Review,
  ReviewState,
  TrialBalance
} from "./AdminValues.ts"

/** Administration of users. Each action is recorded with its reason. */
export interface UserAdminCalls {
  /** Lists users in the order of their names. `prefix` is the beginning of the names. */
  list(options?: ListOptions & { readonly prefix?: string | undefined }): PagedList<ManagedUser>
  get(userId: string, options?: CallOptions): Promise<ManagedUser>
  /** Ends all sessions, and refuses sign-in until the user is unlocked. */
  lock(userId: string, reason: Reason, options?: CallOptions): Promise<ManagedUser>
  unlock(userId: string, reason: Reason, options?: CallOptions): Promise<ManagedUser>
  /** Removes the second factor of a user who lost it, and ends all sessions. */
  resetMfa(userId: string, reason: Reason, options?: CallOptions): Promise<ManagedUser>
  endSessions(userId: string, reason: Reason, options?: CallOptions): Promise<ManagedUser>
  setRole(
    userId: string,
    change: Reason & { readonly role: "user" | "admin" },
    options?: CallOptions
  ): Promise<ManagedUser>
}

/** Decisions on deposits and withdrawals. */
export interface FundingAdminCalls {
  list(
    options?: ListOptions & {
      readonly state?: FundingState | undefined
      readonly direction?: FundingDirection | undefined
    }
  ): PagedList<ManagedFunding>
  /** Completes a pending request: the payment with this reference has arrived, or was made. */
  confirm(
    fundingId: string,
    payment: { readonly reference: string },
    options?: CallOptions
  ): Promise<ManagedFunding>
  /** Fails a pending request with a reason that the user sees. */
  refuse(fundingId: string, reason: Reason, options?: CallOptions): Promise<ManagedFunding>
}

/** Movements that were held for review. */
export interface ReviewCalls {
  list(options?: ListOptions & { readonly state?: ReviewState | undefined }): PagedList<Review>
  get(reviewId: string, options?: CallOptions): Promise<Review>
  /** Moves the held money. */
  approve(reviewId: string, reason: Reason, options?: CallOptions): Promise<Review>
  /** Releases the held money. */
  reject(reviewId: string, reason: Reason, options?: CallOptions): Promise<Review>
}

/** The double-entry ledger. */
export interface LedgerCalls {
  accounts(options?: ListOptions): PagedList<LedgerAccount>
  account(accountId: string, options?: CallOptions): Promise<LedgerAccount>
  /** Lists the entries of an account, newest first. */
  entries(accountId: string, options?: ListOptions): PagedList<LedgerEntry>
  freeze(accountId: string, reason: Reason, options?: CallOptions): Promise<LedgerAccount>
  unfreeze(accountId: string, reason: Reason, options?: CallOptions): Promise<LedgerAccount>
  transfer(transferId: string, options?: CallOptions): Promise<LedgerTransfer>
  /** Returns the sums by asset and role, now or at a time. */
  trialBalance(at?: Date | string, options?: CallOptions): Promise<TrialBalance>
  /** Recomputes the whole ledger on the server. */
  verify(options?: CallOptions): Promise<LedgerVerification>
  adjustments(
    options?: ListOptions & { readonly state?: Adjustment["state"] | undefined }
  ): PagedList<Adjustment>
  /** Changes a balance. Above a limit, another administrator has to approve it. Retries are safe. */
  adjust(
    adjustment: Reason & {
      readonly account: string
      /** Decimal text, negative to decrease the balance. */
      readonly amount: string
      readonly idempotencyKey?: string | undefined
    },
    options?: CallOptions
  ): Promise<Adjustment>
  approveAdjustment(adjustmentId: string, reason: Reason, options?: CallOptions): Promise<Adjustment>
  rejectAdjustment(adjustmentId: string, reason: Reason, options?: CallOptions): Promise<Adjustment>
}

/** The settlement of orders. */
export interface BatchCalls {
  list(
    options?: ListOptions & {
      readonly state?: BatchState | undefined
      /** `true`: only batches that were given up. */
      readonly dead?: "true" | "false" | undefined
    }
  ): PagedList<Batch>
  get(batchId: string, options?: CallOptions): Promise<BatchDetail>
  /** Continues to settle a batch that was given up, or waits. */
  retry(batchId: string, reason: Reason, options?: CallOptions): Promise<Batch>
}

/** The complete definition of a cryptocurrency or a stock. */
export interface AssetDefinition {
  readonly kind: "crypto" | "stock"
  readonly name: string
  readonly decimals: number
  readonly tradable?: boolean | undefined
  readonly minimumOrder?: string | null | undefined
  readonly providerSymbols?: Readonly<Record<string, string>> | undefined
  readonly exchangeSymbol?: string | null | undefined
  readonly state?: "listed" | "delisted" | undefined
}

/** The catalogue of assets. */
export interface AssetAdminCalls {
  get(code: string, options?: CallOptions): Promise<CatalogAsset>
  /** Lists or changes an asset. */
  put(code: string, definition: AssetDefinition, options?: CallOptions): Promise<CatalogAsset>
  /** Delists an asset: it cannot be bought, and has no price. */
  delist(code: string, options?: CallOptions): Promise<CatalogAsset>
}

/** Calls of an administrator. */
export interface AdminCalls {
  readonly users: UserAdminCalls
  readonly funding: FundingAdminCalls
  readonly reviews: ReviewCalls
  readonly batches: BatchCalls
  readonly ledger: LedgerCalls
  readonly assets: AssetAdminCalls
  /** Lists what administrators did, newest first. `subject` is the id of a user. */
  actions(options?: ListOptions & { readonly subject?: string | undefined }): PagedList<AdminAction>
}

/** Returns the access of an administrator: that of the API key, or else of the user who is signed in. */
export const accessOf = (access: ServerAccess, user: UserAuthorization): ServerAccess =>
  access.apiKey === undefined
    ? { ...access, user }
    : { ...access, user: { headers: async () => keyHeaders(access), refused: async () => false } }

/** Makes the calls of an administrator. */
export const make = (access: ServerAccess): AdminCalls => {
  const { get, list, send } = AdminRequests.make(access)

  /** Makes an action on one thing, with a body such as its reason. */
  const action =
    <A, Body extends object>(name: string, pathOf: (id: string) => string, fields: ReadonlyArray<string>) =>
    async (id: string, body: Body, options?: CallOptions) => {
      Options.requireKnown(name, body, fields)
      const input = {
        path: pathOf(Options.pathId("id", id)),
        body: Object.fromEntries(Object.entries(body)),
        isUnsafe: true
      }
      return send<A>(name, input, "id", options)
    }
  const onUser = <Body extends object = Reason>(name: string, path: string, fields = ["reason"]) =>
    action<ManagedUser, Body>(`users.${name}`, (id) => `/users/${id}/${path}`, fields)
  const onReview = (name: string) =>
    action<Review, Reason>(`reviews.${name}`, (id) => `/reviews/${id}/${name}`, ["reason"])
  const onAccount = (name: string) =>
    action<LedgerAccount, Reason>(`ledger.${name}`, (id) => `/ledger/accounts/${id}/${name}`, ["reason"])
  const onAdjustment = (name: string) =>
    action<Adjustment, Reason>(`ledger.${name}Adjustment`, (id) => `/ledger/adjustments/${id}/${name}`, [
      "reason"
    ])
  const assetPath = (code: string) => `/assets/${encodeURIComponent(Options.currency("code", code))}`

  return {
    users: {
      list: (options = {}) => list("users.list", "/users", options, ["prefix"]),
      get: async (id, options) =>
        get("users.get", `/users/${Options.pathId("userId", id)}`, "username", options),
      lock: onUser("lock", "lock"),
      unlock: onUser("unlock", "unlock"),
      resetMfa: onUser("resetMfa", "reset-mfa"),
      endSessions: onUser("endSessions", "end-sessions"),
      setRole: onUser("setRole", "role", ["reason", "role"])
    },
    funding: {
      list: (options = {}) => list("funding.list", "/funding", options, ["state", "direction"]),
      confirm: action("funding.confirm", (id) => `/funding/${id}/confirm`, ["reference"]),
      refuse: action("funding.refuse", (id) => `/funding/${id}/refuse`, ["reason"])
    },
    reviews: {
      list: (options = {}) => list("reviews.list", "/reviews", options, ["state"]),
      get: async (id, options) =>
        get("reviews.get", `/reviews/${Options.pathId("reviewId", id)}`, "rules", options),
      approve: onReview("approve"),
      reject: onReview("reject")
    },
    batches: {
      list: (options = {}) => list("batches.list", "/batches", options, ["state", "dead"]),
      get: async (id, options) =>
        get("batches.get", `/batches/${Options.pathId("batchId", id)}`, "history", options),
      retry: action("batches.retry", (id) => `/batches/${id}/retry`, ["reason"])
    },
    ledger: {
      accounts: (options = {}) => list("ledger.accounts", "/ledger/accounts", options),
      account: async (id, options) =>
        get("ledger.account", `/ledger/accounts/${Options.pathId("accountId", id)}`, "balance", options),
      entries: (id, options = {}) =>
        list("ledger.entries", `/ledger/accounts/${Options.pathId("accountId", id)}/entries`, options),
      freeze: onAccount("freeze"),
      unfreeze: onAccount("unfreeze"),
      transfer: async (id, options) =>
        get("ledger.transfer", `/ledger/transfers/${Options.pathId("transferId", id)}`, "entries", options),
      trialBalance: async (at, options) =>
        send(
          "ledger.trialBalance",
          { path: "/ledger/trial-balance", query: { at: Options.timeText("at", at) } },
          "balanced",
          options
        ),
      verify: async (options) => get("ledger.verify", "/ledger/verify", "ok", options),
      adjustments: (options = {}) => list("ledger.adjustments", "/ledger/adjustments", options, ["state"]),
      adjust: async ({ idempotencyKey, ...body }, options) => {
        Options.requireKnown("ledger.adjust", body, ["account", "amount", "reason", "idempotencyKey"])
        const input = { path: "/ledger/adjustments", body, idempotencyKey: idempotencyKeyOf(idempotencyKey) }
        return send("ledger.adjust", input, "id", options)
      },
      approveAdjustment: onAdjustment("approve"),
      rejectAdjustment: onAdjustment("reject")
    },
    assets: {
      get: async (code, options) => get("assets.get", assetPath(code), "code", options),
      put: async (code, definition, options) => {
        const { exchangeSymbol, minimumOrder, providerSymbols, ...same } = definition
        Options.requireKnown("assets.put", same, ["kind", "name", "decimals", "tradable", "state"])
        const body = {
          ...same,
          minimum_order: minimumOrder,
          provider_symbols: providerSymbols,
          exchange_symbol: exchangeSymbol
        }
        return send("assets.put", { path: assetPath(code), method: "PUT", body }, "code", options)
      },
      delist: async (code, options) =>
        send("assets.delist", { path: assetPath(code), method: "DELETE", isUnsafe: true }, "code", options)
    },
    actions: (options = {}) => list("actions", "/actions", options, ["subject"])
  }
}
