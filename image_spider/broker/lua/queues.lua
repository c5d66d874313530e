-- Put requests into the queue of their crawl and host, and the host where leases are looked for.
-- A host stands in F:ready as long as it has something queued, save when a lease call found all its places taken;
-- then the next finish or nack puts it back. F:clock keeps its next allowed time meanwhile.
local turn = time[1] * 1000000 + time[2] -- for the turns of crawls on one host

local turn_text = text(turn)

local states = {}
local function state_of(crawl)
  local state = states[crawl]
  if state == nil then
    state = call('HGET', F .. ':crawl:' .. crawl, 'state')
    states[crawl] = state
  end
  return state
end

local function make_ready(host)
  local due = call('ZSCORE', clock, host)
  if due then
    call('ZREM', clock, host)
  end
  call('ZADD', ready, 'NX', due and tonumber(due) > now and due or now_text, host)
end

local function show_host(crawl, host)
  if state_of(crawl) == 'paused' then
    call('SADD', F .. ':parked:' .. crawl, host)
  elseif call('ZADD', F .. ':host:' .. host, 'NX', turn_text, crawl) == 1 then
    make_ready(host)
  end
end

local function enqueue(crawl, host, score, id)
  call('ZADD', F .. ':queue:' .. crawl .. '/' .. host, score, id)
  show_host(crawl, host)
end

local function payload_of(value)
  return string.match(value, '^[^\n]*\n[^\n]*\n[^\n]*\n(.*)$')
end

-- value of F:payloads -> host, crawl, priority
local function header_of(value)
  return string.match(value, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n')
end
