/** Texts of what a pair page shows beside the rate. */
export const texts = {
  chart: {
    title: "Chart",
    ranges: "Range of the chart",
    kinds: "Kind of chart",
    line: "Line",
    candles: "Candles",
    loading: "Loading the history…",
    failed: "The history could not be loaded.",
    retry: "Try again",
    empty: "No rate of this time is stored yet. The history grows with every poll.",
    label: (pair: string, range: string, first: string, last: string, low: string, high: string) =>
      `${pair}, ${range}: from ${first} to ${last}, lowest ${low}, highest ${high}. Use the arrow keys to read single rates.`,
    table: "Show as table",
    time: "Time",
    rate: "Rate",
    open: "Open",
    high: "High",
    low: "Low",
    close: "Close",
    point: (time: string, rate: string) => `${time}: ${rate}`,
    candle: (time: string, open: string, high: string, low: string, close: string) =>
      `${time}: open ${open}, high ${high}, low ${low}, close ${close}`
  },
  convert: {
    heading: "Convert",
    pay: "You pay",
    get: "They get",
    midRate: "Mid rate",
    margin: (margin: string) => `Margin ${margin}`,
    yourRate: "Your rate",
    lock: "Lock this rate",
    signIn: "Sign in to convert",
    usual: "Usual amounts",
    note: "An estimate at the latest rate. What is received is rounded down once, to the smallest unit. A conversion fixes its amounts and writes them to the audit.",
    wrong: "Type a positive amount.",
    tooSmall: "This amount converts to less than the smallest unit.",
    offline: (time: string) => `Offline: computed with the rate as of ${time}.`
  },
  value: {
    heading: "Value",
    amount: "Amount",
    worth: "Worth",
    note: "At the latest price, without the spread and the fees of an order."
  },
  source: {
    heading: "Where this rate comes from",
    quoted: (provider: string) => `Quoted by ${provider}`,
    quotedText: (time: string) => `effex asked the provider at ${time}.`,
    ownTime: (time: string) => `The provider dates it ${time}.`,
    checked: "Checked before it was published",
    checkedText:
      "It was compared with earlier rates, with other pairs and with other providers where there are any. A rate that fails a check is quarantined and not shown.",
    stored: "Stored, and immutable",
    storedText: "The record has the provider’s complete response. Nobody can change or delete it.",
    record: "Open the record",
    id: "Record id"
  }
} as const
