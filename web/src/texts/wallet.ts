/** Texts of the wallet: balances, money in and out, transfers, conversions and the statement. */
export const texts = {
  live: {
    offline: (time: string) =>
      `Offline. What you see is as of ${time}. Nothing can be sent until you are connected again.`,
    reconnecting: (time: string) => `Reconnecting. What you see is as of ${time}.`,
    failed: "Your wallet could not be loaded. This page tries again by itself.",
    loading: "Loading your wallet…"
  },
  wallet: {
    title: "Wallet",
    total: "All you hold",
    totalIn: "Show the total in",
    hide: "Hide amounts",
    show: "Show amounts",
    hidden: "Hidden",
    valued: "Valued at the live mid rates.",
    valuedAt: (time: string) => `Valued at the mid rates as of ${time}.`,
    staleRates: "One of the rates is older than it should be.",
    unpriced: (codes: string) => `Without ${codes}, which has no price now.`,
    actions: "Move money",
    deposit: "Deposit",
    send: "Send",
    convert: "Convert",
    withdraw: "Withdraw",
    balances: "Balances",
    held: (amount: string) => `${amount} on hold`,
    available: (amount: string) => `${amount} available`,
    noValue: "no price now",
    activity: "Recent activity",
    all: "Statement",
    empty: "Deposit money first. Then you can convert it, send it, or buy crypto and stocks with it.",
    emptyAction: "Make a deposit",
    noActivity: "Nothing has happened yet. Each movement of your money will be listed here.",
    share: (name: string, percent: string) => `${name} ${percent}`,
    shares: "Parts of the total"
  },
  amount: {
    amount: "Amount",
    asset: "Currency or asset",
    wrong: "Type a positive amount, such as 250 or 1,000.50.",
    decimals: (code: string, decimals: number) =>
      decimals === 0 ? `${code} has no decimals.` : `${code} has at most ${decimals} decimals.`,
    tooMuch: (available: string) =>
      `You have ${available} available. Choose a smaller amount, or deposit first.`,
    available: (amount: string) => `${amount} available`,
    useAll: "Use all"
  },
  review: {
    back: "Change",
    balanceNow: "Available now",
    balanceAfter: "Available afterwards"
  },
  deposit: {
    title: "Deposit",
    lead: "Add money to your wallet.",
    sandbox: "Sandbox: no payment is made. The amount is credited at once, and it is not real money.",
    manual:
      "Request the deposit first. You then get a reference for your payment. The amount is credited when the operator has received the payment.",
    submit: (amount: string) => `Deposit ${amount}`,
    submitEmpty: "Deposit",
    quick: "Usual amounts"
  },
  withdraw: {
    title: "Withdraw",
    lead: "Take money out of your wallet.",
    sandbox: "Sandbox: no payment is made. The amount leaves the wallet, and nobody receives it.",
    manual:
      "The amount is held at once. It leaves your wallet when the operator has paid it out, and is available again if that fails.",
    submit: (amount: string) => `Withdraw ${amount}`,
    submitEmpty: "Withdraw",
    nothing: "You have nothing to withdraw.",
    note: "Note to the operator, such as where to pay it"
  },
  funding: {
    titles: { deposit: "Deposit", withdrawal: "Withdrawal" },
    list: "Deposits and withdrawals",
    states: { pending: "Pending", completed: "Completed", failed: "Failed" },
    headings: {
      deposit: {
        pending: "Waiting for your payment",
        completed: "Your deposit has arrived",
        failed: "The deposit failed"
      },
      withdrawal: {
        pending: "Waiting to be paid out",
        completed: "Your withdrawal was paid",
        failed: "The withdrawal failed"
      }
    },
    explanations: {
      deposit: {
        pending: "Nothing has moved yet. The amount is credited when the payment is known.",
        completed: "The amount is in your wallet.",
        failed: "No money moved."
      },
      withdrawal: {
        pending: "The amount is on hold. It leaves your wallet when it has been paid out.",
        completed: "The amount has left your wallet.",
        failed: "The amount is available again. No money moved."
      }
    },
    sandboxNote: "Sandbox: no payment was made.",
    instructions: "How to pay",
    instructionsText:
      "Pay the amount to the account that the operator of this service gave you, and write this reference on the payment:",
    instructionsEnd: "This page changes by itself when the operator has confirmed your payment.",
    loading: "Loading…",
    missing: "Your wallet has no deposit or withdrawal with this id.",
    requested: "Requested",
    settled: "Decided",
    reason: "Reason",
    reference: "Reference of the payment",
    note: "Note",
    id: "Request id",
    transaction: "Open in the statement",
    wallet: "Go to the wallet"
  },
  send: {
    title: "Send",
    lead: "To another user of this service. It arrives at once.",
    to: "Username or wallet id of the receiver",
    toHelp: "Such as amara",
    needTo: "Type who receives the money.",
    receiver: "Receiver",
    walletId: (id: string) => `Wallet ${id}`,
    notFound: "No user has this name, and no wallet has this id. Check the spelling with the receiver.",
    self: "This is your own wallet. Choose somebody else.",
    looking: "Looking up the receiver…",
    note: "Note, which the receiver sees",
    review: "Review",
    reviewTitle: "Check before you send",
    reviewLead: "A transfer cannot be taken back.",
    amount: "They get",
    fee: "Fee",
    free: "None",
    submit: (amount: string, name: string) => `Send ${amount} to ${name}`,
    nothing: "You have nothing to send yet.",
    done: (name: string) => `${name} has the money`,
    heldTitle: "Your transfer is being checked",
    held: "A rule of this service asks a person to look at it first. The amount is on hold: it has not left your wallet, and you cannot spend it. This page changes by itself when there is a decision.",
    rejectedTitle: "The transfer was refused",
    rejected: "An administrator refused it. The amount is available again. No money moved.",
    expiredTitle: "The transfer expired",
    expired: "Nobody decided in time. The amount is available again. No money moved.",
    receivedTitle: (name: string) => `${name} sent you money`,
    missing: "Your wallet has no transfer with this id.",
    sentAt: "Sent",
    again: "Send again",
    another: "Send to somebody else",
    afterwards: "Balance afterwards"
  },
  problems: {
    refused: "A rule of this service refuses this. Ask the operator if you think that is wrong.",
    limited: (remaining: string, time: string) =>
      `This is over your limit. Until ${time} you can still move ${remaining}. Choose a smaller amount, or wait.`,
    insufficient: (available: string) =>
      `You have ${available} available. Choose a smaller amount, or deposit first.`
  },
  convert: {
    title: "Convert",
    lead: "From one of your currencies to another, at the live mid rate less an open margin.",
    pay: "You pay",
    getAbout: "You get about",
    getExactly: "You get exactly",
    payExactly: "You pay exactly",
    swap: "Swap the currencies",
    midRate: "Mid rate",
    margin: (margin: string) => `Margin ${margin}`,
    rounding: "Rounding",
    roundingGet: (code: string) => `what you get is rounded down to the smallest unit of ${code}`,
    roundingPay: (code: string) => `what you pay is rounded up to the smallest unit of ${code}`,
    yourRate: "Your rate",
    lock: (seconds: number) => `Lock this rate for ${seconds} seconds`,
    locked: (seconds: number) => `Rate locked for ${seconds} s`,
    expired: "This rate has expired. Nothing was converted.",
    renew: "Get a new rate",
    change: "Change the amounts",
    confirm: (from: string, to: string) => `Convert ${from} to ${to}`,
    same: "Choose two different currencies.",
    tooSmall: "This amount converts to less than the smallest unit. Choose a larger one.",
    noRate: "The rate of this pair is not known yet. Locking asks the provider for it.",
    nothing: "You have no currency to convert yet.",
    loading: "Loading…",
    missing: "Your wallet has no conversion with this id.",
    done: "Converted",
    doneText: (from: string, to: string) => `${from} became ${to}`,
    proof: "Proof",
    verifying: "Verifying the receipt in your browser…",
    verified: (position: string, size: string) =>
      `Verified in your browser: record ${position} of ${size} in the signed audit.`,
    notVerified: "The receipt could not be verified now.",
    verifyAgain: "Try again",
    save: "Save the receipt",
    openVerify: "Verify it yourself",
    rateRecord: "Record of the rate",
    auditId: "Audit id",
    quoteId: "Quote id",
    rateId: "Rate id",
    provider: "Provider of the rate",
    at: "Converted",
    balances: "Balances afterwards",
    another: "Convert more",
    announce: (seconds: number) => `${seconds} seconds left`
  },
  statement: {
    title: "Statement",
    lead: "Every movement of your money, with the balance after it.",
    filters: "Filter",
    asset: "Asset",
    type: "Kind",
    since: "From",
    until: "To",
    all: "All",
    clear: "Clear the filter",
    exportCsv: "Export CSV",
    print: "Print",
    more: "Show earlier ones",
    loading: "Loading…",
    empty: "Nothing has happened in your wallet yet.",
    none: "No movement matches this filter.",
    balance: (amount: string) => `Balance ${amount}`,
    today: "Today",
    yesterday: "Yesterday",
    printed: (time: string, username: string) => `Statement of ${username}, printed ${time}`,
    through: "All rows are loaded.",
    order: "Newest first"
  },
  types: {
    transfer: "Transfer",
    deposit: "Deposit",
    withdrawal: "Withdrawal",
    conversion: "Conversion",
    "order.settlement": "Order",
    adjustment: "Adjustment"
  } as Readonly<Record<string, string>>,
  row: {
    to: (name: string) => `To ${name}`,
    from: (name: string) => `From ${name}`,
    converted: (from: string, to: string) => `${from} to ${to}`,
    bought: (code: string) => `Bought ${code}`,
    sold: (code: string) => `Sold ${code}`
  },
  record: {
    title: "Transaction",
    movements: "Movements",
    asset: "Asset",
    change: "Change",
    after: "Balance after it",
    at: "Posted",
    kind: "Kind",
    counterparty: "Other side",
    note: "Note",
    reference: "Reference",
    id: "Transaction id",
    orderId: "Order id",
    conversionId: "Audit id",
    openOrder: "Open the order",
    openConversion: "Open the receipt",
    proves: "Identifiers",
    provesText: "The ledger keeps this record under these ids. It is immutable.",
    missing: "Your wallet has no transaction with this id.",
    back: "Back to the statement",
    copy: "Copy",
    copied: "Copied",
    loading: "Loading…"
  }
} as const
