/** Texts of deposits and withdrawals. */
export const texts = {
  sandbox: "FUNDING is sandbox: the built-in sandbox decides on its own, and no payment is made.",
  show: "Which requests",
  states: { pending: "Pending", completed: "Completed", failed: "Failed" },
  empty: {
    pending: "No deposit and no withdrawal is pending.",
    completed: "No request has completed yet.",
    failed: "No request has failed."
  },
  directions: { deposit: "Deposit", withdrawal: "Withdrawal" },
  columns: {
    user: "User",
    direction: "Direction",
    amount: "Amount",
    at: "Requested",
    note: "Note",
    decision: "Decision",
    outcome: "Outcome"
  },
  own: "Yours: another administrator decides",
  confirm: "Confirm…",
  confirmLabel: (name: string) => `Confirm… the request of ${name}`,
  confirmTitle: (direction: string, amount: string) => `Confirm the ${direction} of ${amount}`,
  confirmText: (direction: string, amount: string, name: string) =>
    direction === "deposit"
      ? `${amount} are credited to ${name} at once. Confirm only a payment that has arrived.`
      : `${amount} leave the wallet of ${name}. Confirm only a payment that was made.`,
  reference: "Reference of the payment",
  referenceHelp:
    "As the bank shows it. A reference completes one request only. It is recorded with your name.",
  confirmed: (amount: string, name: string) => `${amount} of ${name}: confirmed`,
  refuse: "Refuse…",
  refuseLabel: (name: string) => `Refuse… the request of ${name}`,
  refuseTitle: (direction: string, amount: string) => `Refuse the ${direction} of ${amount}`,
  refuseText: (direction: string, name: string) =>
    direction === "deposit"
      ? `Nothing is credited to ${name}.`
      : `The held money is free again for ${name}. Never refuse a withdrawal that may have been paid.`,
  refuseHelp: "The user sees it, and it is recorded with your name.",
  refused: (amount: string, name: string) => `${amount} of ${name}: refused`
} as const
