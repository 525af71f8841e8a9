/** Who receives a transfer. */
export interface Recipient {
  readonly walletId: string
  readonly username: string
}

/** One movement of one balance. Amounts are decimal text. */
export interface Transaction {
  /** Both movements of a conversion have the same. */
  readonly id: string
  /** Such as `transfer`, `deposit`, `withdrawal` or `conversion`. */
  readonly type: string
  readonly asset: string
  /** Without a sign. */
  readonly amount: string
  /** The amount, negative if it left the wallet. */
  readonly change: string
  /** Balance of the asset after the movement. */
  readonly balance: string
  /** The user on the other side of a transfer. */
  readonly counterparty: string | null
  readonly note: string | null
  /** Reference of a payment outside of effex. */
  readonly reference: string | null
  readonly orderId: string | null
  readonly conversionId: string | null
  readonly createdAt: Date
}
