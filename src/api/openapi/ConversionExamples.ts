import type { Examples } from "./Example.ts"

const CONVERSION = {
  audit_id: "01a22a37-4b9c-7309-87be-808ee6b89c6b",
  from_currency: "USD",
  to_currency: "NGN",
  input_amount: "500.00",
  output_amount: "760197.48",
  mid_rate: "1528.0351515",
  margin: "0.005",
  rate: "1520.3949757425",
  rate_id: "01a22a37-3b1f-7000-8000-0024baa98d9d",
  provider: "sandbox",
  rate_fetched_at: "2026-11-30T02:09:52.415Z",
  stale: false,
  amount_type: "source",
  converted_at: "2026-11-30T02:09:56.649Z"
}

const RECORD = {
  ...CONVERSION,
  exact_output: "760197.48787125",
  residual: "0.00787125",
  quote_id: null,
  reference: null,
  principal: "anonymous"
}

const QUOTE = {
  quote_id: "01a22a37-4bce-76af-bf21-df01fe0b02b3",
  state: "open",
  expires_at: "2026-11-30T02:10:56.686Z",
  from_currency: "USD",
  to_currency: "NGN",
  input_amount: "500.00",
  output_amount: "760197.48",
  mid_rate: "1528.0351515",
  margin: "0.005",
  rate: "1520.3949757425",
  rate_id: "01a22a37-3b1f-7000-8000-0024baa98d9d",
  provider: "sandbox",
  rate_fetched_at: "2026-11-30T02:09:52.415Z",
  stale: false,
  amount_type: "source",
  created_at: "2026-11-30T02:09:56.686Z"
}

const HEAD = {
  tree_size: 1,
  root_hash: "196a194d85ee3461044292110e400353c00cbfcd52424caf58a7bdc2a122bc92",
  chain_hash: "f1b3eca96e8ec7bad6afdba909df8f123c3ecb33425a707583fdc2d7c42d6fb2",
  signed_at: "2026-11-30T02:09:56.767Z",
  public_key: "b1b798429681c3f99b06709ba29bb1114e7b7e89f5f9dec3fa227b742507411d",
  signature:
    "ff1ca3b4a74a5aa9fbf85ecc68bc420557c9938988ba1620477c3da21e98f29dbbbe0bf8a784bd1bfc2de1dfc6cd21b3e60560c9a88e1694e67361c3b8b8a60c"
}

const VERIFICATION = {
  ok: true,
  records: 1,
  head: "f1b3eca96e8ec7bad6afdba909df8f123c3ecb33425a707583fdc2d7c42d6fb2",
  unsealed: 0,
  public_keys: ["b1b798429681c3f99b06709ba29bb1114e7b7e89f5f9dec3fa227b742507411d"]
}

/** Examples of conversions, quotes and the audit. */
export const ConversionExamples: Examples = {
  "conversion.convert": {
    parameters: {
      "idempotency-key": "order-1042"
    },
    request: {
      amount: "500.00",
      from_currency: "USD",
      to_currency: "NGN"
    },
    response: CONVERSION
  },
  "conversion.createQuote": {
    request: {
      amount: "500.00",
      from_currency: "USD",
      to_currency: "NGN",
      ttl: "60 seconds"
    },
    response: QUOTE
  },
  "conversion.quote": {
    parameters: {
      quote_id: "01a22a37-4bce-76af-bf21-df01fe0b02b3"
    },
    response: QUOTE
  },
  "audit.list": {
    parameters: {
      from: "USD",
      to: "NGN",
      page_size: "100"
    },
    response: {
      data: [
        {
          ...RECORD,
          position: 1
        }
      ],
      has_more: false,
      next: null
    }
  },
  "audit.record": {
    parameters: {
      audit_id: "01a22a37-4b9c-7309-87be-808ee6b89c6b"
    },
    response: {
      ...RECORD,
      position: 1
    }
  },
  "audit.receipt": {
    parameters: {
      audit_id: "01a22a37-4b9c-7309-87be-808ee6b89c6b"
    },
    response: {
      record: RECORD,
      position: 1,
      proof: [],
      chain: {
        previous_hash: "0000000000000000000000000000000000000000000000000000000000000000",
        hash: "f1b3eca96e8ec7bad6afdba909df8f123c3ecb33425a707583fdc2d7c42d6fb2"
      },
      head: HEAD
    }
  },
  "audit.heads": {
    parameters: {
      after: "0"
    },
    response: {
      heads: [HEAD]
    }
  },
  "audit.verify": {
    response: VERIFICATION
  },
  "proof.verifyHeads": {
    request: {
      heads: [HEAD]
    },
    response: {
      ...VERIFICATION,
      kept_heads: 1
    }
  },
  "proof.consistency": {
    parameters: {
      from: "1",
      to: "2"
    },
    response: {
      from: 1,
      to: 2,
      proof: ["ce40bf710cb3daa6124f1802f0184584dc7f8839a25e3f4a33de7edf76453aa4"]
    }
  },
  "proof.keys": {
    response: {
      public_key: "b1b798429681c3f99b06709ba29bb1114e7b7e89f5f9dec3fa227b742507411d",
      rotations: []
    }
  }
}
