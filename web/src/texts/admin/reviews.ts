/** Texts of reviews and risk rules. */
export const texts = {
  held: "Held for review",
  empty: "No movement is held.",
  kinds: { transfer: "Transfer", withdrawal: "Withdrawal", conversion: "Conversion", order: "Order" },
  parties: (from: string, to: string | null, value: string | null) =>
    `From ${from}${to === null ? "" : ` to ${to}`}${value === null ? "" : `, worth ${value}`}`,
  order: (side: string, amount: string, total: string) =>
    `${side === "buy" ? "Buys" : "Sells"} ${amount} for ${total}`,
  conversion: (amount: string) => `Into ${amount} when it was requested`,
  note: (note: string) => `Note: ${note}`,
  waits: (age: string, left: string) => `Held for ${age}; rejected in ${left} without a decision.`,
  own: "Your own money: another administrator decides.",
  approve: "Approve…",
  approveTitle: (amount: string, name: string) => `Approve ${amount} of ${name}`,
  approveText: {
    transfer: "The held money moves to the receiver at once.",
    withdrawal: "The withdrawal is paid within minutes.",
    conversion:
      "The held money is converted, at the price of its quote if that is still open, else at the latest rate.",
    order:
      "The order continues at its locked price. If the market moved too far against the house, it fails instead."
  },
  approved: (amount: string) => `${amount}: approved`,
  reject: "Reject…",
  rejectTitle: (amount: string, name: string) => `Reject ${amount} of ${name}`,
  rejectText:
    "The held money is free again for its owner. The movement still counts for the limits of the day.",
  rejected: (amount: string) => `${amount}: rejected`,
  decided: "Decided reviews",
  noneDecided: "No such review yet.",
  show: "Which reviews",
  states: { approved: "Approved", rejected: "Rejected", expired: "Expired", cancelled: "Cancelled" },
  decisions: "Movements for which a rule fired",
  noDecisions: "No rule has fired yet.",
  outcomes: { allow: "Allow", review: "Hold for review", deny: "Deny" } as Readonly<Record<string, string>>,
  rulesHeading: "Risk rules",
  fromDatabase: "Set here, instead of the settings RISK_*.",
  fromSettings: "From the settings RISK_*.",
  changedBy: (time: string) => `Last changed ${time} by`,
  off: "off",
  enabled: "On",
  editRules: "Edit…",
  keepRules: "Keep them",
  saveRules: "Save the rules…",
  rulesTitle: "Change the rules",
  rulesText: "They apply on all nodes within two seconds.",
  rulesSaved: "The rules were changed",
  change: (rule: string, field: string, from: string, to: string) =>
    `${rule}, ${field}: ${from} becomes ${to}.`,
  resetRules: "Use the settings again",
  resetTitle: "Use the settings RISK_* again",
  resetText: "The stored rules are deleted. The settings of each node apply within two seconds.",
  rules: {
    velocity: "Count and value per user",
    asset_velocity: "Count and value per asset",
    new_account: "New account",
    new_device: "New device",
    deposit_withdrawal: "Withdrawal after a deposit",
    circular_transfer: "Circular transfer",
    small_orders: "Many small orders",
    failed_logins: "Failed logins before"
  } as Readonly<Record<string, string>>,
  fields: {
    outcome: "Outcome",
    unpriced: "Without a price",
    hour_count: "per hour",
    hour_value: "value per hour",
    day_count: "per day",
    day_value: "value per day",
    max_age: "younger than",
    share: "share",
    min_value: "from value",
    max_value: "up to value",
    window: "within",
    failures: "failures"
  } as Readonly<Record<string, string>>,
  columns: {
    movement: "Movement",
    user: "User",
    amount: "Amount",
    by: "Decided by",
    at: "Time",
    rules: "Rules",
    outcome: "Outcome"
  }
} as const
