-- Lease requests of hosts whose time has come.
-- KEYS[1] frontier
-- ARGV worker, number of the call, count, delay per host in ms, places per host
-- Result: alive (1|0), ms until the next host is due (-1: none), then per lease: id, attempt, value of F:payloads
-- include clock
-- include queues
-- include endings
local WORKER_MS = 3600 * 1000
local STEP = 100 -- delayed requests and parked hosts that one call moves
local to_drop = 1000 -- requests of stopped crawls that one call drops
local worker, number, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local delay, places = tonumber(ARGV[4]), tonumber(ARGV[5])
local mine, me = F .. ':leases:' .. worker, F .. ':worker:' .. worker

local function wait_ms()
  local wait = -1
  for _, key in ipairs({ready, delayed}) do
    local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    if first then
      local left = math.max(0, tonumber(first) - now)
      wait = wait < 0 and left or math.min(wait, left)
    end
  end
  return wait
end

local function answer(ids, numbers)
  local reply = {1, wait_ms()}
  if #ids > 0 then
    local values = call('HMGET', payloads, unpack(ids))
    for index = 1, #ids do
      reply[#reply + 1] = ids[index]
      reply[#reply + 1] = numbers[index]
      reply[#reply + 1] = values[index]
    end
  end
  return reply
end

local alive = call('ZSCORE', F .. ':workers', worker)
if not alive or tonumber(alive) <= now then
  return {0, -1}
end
local last = tonumber(call('HGET', me, 'lease') or 0)
if number < last then
  return {1, 0}
end
if number == last then -- the reply was lost: the same leases again
  local ids, numbers, held = {}, {}, call('HGETALL', mine)
  for index = 1, #held, 2 do
    local token, attempt = string.match(held[index + 1], '^(%S+) (%S+)')
    if tonumber(token) == number then
      ids[#ids + 1] = held[index]
      numbers[#numbers + 1] = tonumber(attempt)
    end
  end
  return answer(ids, numbers)
end

-- The first write is one that a full Redis allows: leasing needs no memory to speak of, and finishing frees some.
call('ZREMRANGEBYSCORE', clock, '-inf', now)
call('HSET', me, 'lease', number)

local function promote()
  local due = call('ZRANGEBYSCORE', delayed, '-inf', now, 'LIMIT', 0, STEP)
  for _, id in ipairs(due) do
    local value = call('HGET', payloads, id)
    if value then
      local host, crawl, priority = header_of(value)
      enqueue(crawl, host, -tonumber(priority), id)
    end
    call('ZREM', delayed, id)
  end
end

local function unpark()
  local crawl = call('SRANDMEMBER', F .. ':unparking')
  if not crawl then
    return
  end
  if state_of(crawl) ~= 'paused' then
    for _, host in ipairs(call('SPOP', F .. ':parked:' .. crawl, STEP)) do
      if call('EXISTS', F .. ':queue:' .. crawl .. '/' .. host) == 1 then
        show_host(crawl, host)
      end
    end
  end
  if state_of(crawl) == 'paused' or call('EXISTS', F .. ':parked:' .. crawl) == 0 then
    call('SREM', F .. ':unparking', crawl)
  end
end

-- Take a crawl out of the turns of a host until lease calls bring it back in small steps (unpark).
local function park(crawl, host)
  call('ZREM', F .. ':host:' .. host, crawl)
  call('SADD', F .. ':parked:' .. crawl, host)
end

-- Drop requests of a stopped crawl. Returns whether some are left on this host.
local function drop(crawl, queue)
  local popped = call('ZPOPMIN', queue, text(to_drop))
  local ids = {}
  for index = 1, #popped, 2 do
    ids[#ids + 1] = popped[index]
  end
  if #ids > 0 then
    call('HDEL', payloads, unpack(ids))
    call('HDEL', attempts, unpack(ids))
    call('HDEL', losses, unpack(ids))
    call('HINCRBY', F .. ':crawl:' .. crawl, 'dropped', #ids)
    gone(crawl, #ids)
    to_drop = to_drop - #ids
  end
  return call('EXISTS', queue) == 1
end

local ids, lease_hosts, lease_crawls = {}, {}, {}

-- Take up to `want` requests of a host, its crawls in turn. Returns how many, and whether something is left queued.
local function serve(host, want)
  local turns, took = F .. ':host:' .. host, 0
  while took < want do
    local crawls = call('ZRANGE', turns, 0, 1)
    local crawl, others = crawls[1], crawls[2]
    if not crawl then
      return took, false
    end
    local queue = F .. ':queue:' .. crawl .. '/' .. host
    local state = state_of(crawl)
    if state == 'running' then
      local asked = others and 1 or want - took
      local popped = call('ZPOPMIN', queue, text(asked))
      for index = 1, #popped, 2 do
        local place = #ids + 1
        ids[place], lease_hosts[place], lease_crawls[place] = popped[index], host, crawl
      end
      took = took + #popped / 2
      if #popped / 2 < asked or call('EXISTS', queue) == 0 then
        call('ZREM', turns, crawl)
        if not others then
          return took, false
        end
      elseif others then
        turn = turn + 1
        call('ZADD', turns, text(turn), crawl)
      end
    elseif state == 'paused' then
      park(crawl, host)
    elseif to_drop == 0 then -- the rest later: a script is atomic, so its length is everybody's latency
      park(crawl, host)
      call('SADD', F .. ':unparking', crawl)
    elseif not drop(crawl, queue) then
      call('ZREM', turns, crawl)
    end
  end
  return took, true
end

local next_text = text(now + delay)
local in_flight, changed = {}, {}

local function visit(host, quota)
  local free = places - in_flight[host]
  local took, left = 0, true
  if free > 0 then
    took, left = serve(host, math.min(quota, free))
    in_flight[host] = in_flight[host] + took
  end
  if took > 0 then
    changed[host] = true
  end
  if not left or took >= free then
    call('ZREM', ready, host)
    if delay > 0 and took > 0 then
      call('ZADD', clock, next_text, host)
    end
  elseif took > 0 then
    call('ZADD', ready, next_text, host)
  end
end

promote()
unpark()
local visits = 2 * count + STEP
while #ids < count and visits > 0 do
  local wanted = count - #ids
  local hosts = call('ZRANGEBYSCORE', ready, '-inf', now, 'LIMIT', 0, math.min(wanted, visits))
  if #hosts == 0 then
    break
  end
  visits = visits - #hosts
  local known = call('HMGET', busy, unpack(hosts))
  local quota = delay > 0 and 1 or math.max(1, math.floor(wanted / #hosts))
  for index, host in ipairs(hosts) do
    in_flight[host] = in_flight[host] or tonumber(known[index] or 0)
    visit(host, quota)
  end
end

local numbers = {}
if #ids > 0 then
  local failed = call('EXISTS', attempts) == 1 and call('HMGET', attempts, unpack(ids)) or {}
  local held, taken = {}, {}
  for index = 1, #ids do
    numbers[index] = tonumber(failed[index] or 0) + 1
    held[2 * index - 1] = ids[index]
    held[2 * index] = number .. ' ' .. numbers[index] .. ' ' .. lease_hosts[index] .. ' ' .. lease_crawls[index]
  end
  call('HSET', mine, unpack(held))
  for host in pairs(changed) do
    taken[#taken + 1] = host
    taken[#taken + 1] = text(in_flight[host])
  end
  call('HSET', busy, unpack(taken))
end
return answer(ids, numbers)
