-- Sends the requests of a file in random order. Each line is one of:
--   GET /path
--   POST /path body
--   KEYED /path body     a POST with a new Idempotency-Key each time
--   HEADER name value    a header of all requests; such lines come first

local requests = {}
local common = {}
local run
local keys = 0

local function headersWith(own)
  for name, value in pairs(common) do own[name] = value end
  return own
end

local function keyed(path, body)
  return function()
    keys = keys + 1
    local headers = headersWith({ ["content-type"] = "application/json", ["idempotency-key"] = run .. keys })
    return wrk.format("POST", path, headers, body)
  end
end

function init(args)
  math.randomseed(os.time())
  run = os.time() .. "-" .. math.random(1e9) .. "-"
  for line in io.lines(args[1]) do
    local method, path, body = line:match("^(%u+) (%S+) ?(.*)$")
    if method == "HEADER" then
      common[path] = body
    elseif method == "KEYED" then
      requests[#requests + 1] = keyed(path, body)
    elseif method == "POST" then
      requests[#requests + 1] = wrk.format(method, path, headersWith({ ["content-type"] = "application/json" }), body)
    else
      requests[#requests + 1] = wrk.format(method, path, headersWith({}))
    end
  end
end

function request()
  local chosen = requests[math.random(#requests)]
  return type(chosen) == "function" and chosen() or chosen
end

-- wrk counts statuses above 399 as errors. Redirects would count as successes, but no server here sends any.
function done(summary, latency)
  local errors = summary.errors
  local failures = errors.connect + errors.read + errors.write + errors.status + errors.timeout
  io.write(string.format(
    '{"requests":%d,"micros":%d,"p50":%d,"p99":%d,"failures":%d}\n',
    summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), failures
  ))
end
