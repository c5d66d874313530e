-- Lease requests of hosts whose time has come.
-- KEYS[1] frontier
-- ARGV worker, number of the call, count, usual delay per host in ms, usual places per host, then hosts at which the
--      worker has turns and places of its own, and how many requests it would send by them: host, count
-- Result: alive (1|0), ms until the next host is due (-1: none), the server's time in microseconds,
--      then per lease: id, attempt, value of F:payloads, terms
--      terms: "" = it has a place, and may be sent at once; a time in ms = it has a place, and that is its turn;
--      "late" = it has a place, but its turn is over; "none" = neither; "down" = it is to fail at once
-- include clock
-- include queues
-- include endings
-- include pace
-- include waiting
local WORKER_MS = 3600 * 1000
local AHEAD_MS = 60 -- a lease is given so long before its turn, for the way to the worker; its place waits as long
local AGAIN_MS = 100 -- until a host is looked at again whose last place is left for an image
local STEP = 100 -- delayed requests and parked hosts that one call moves
local to_drop = 1000 -- requests of stopped crawls that one call drops
local worker, number, count = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local usual_delay, usual_places = tonumber(ARGV[4]), tonumber(ARGV[5])
local exact, microseconds = time[1] * 1000 + time[2] / 1000, turn
local mine, me = F .. ':leases:' .. worker, F .. ':worker:' .. worker

local function wait_ms()
  local wait = -1
  for key, ahead in pairs({[ready] = AHEAD_MS, [delayed] = 0}) do
    local first = call('ZRANGE', key, 0, 0, 'WITHSCORES')[2]
    if first then
      local left = math.max(0, tonumber(first) - ahead - now)
      wait = wait < 0 and left or math.min(wait, left)
    end
  end
  return wait
end

local function answer(ids, numbers, terms)
  local reply = {1, wait_ms(), microseconds}
  if #ids > 0 then
    local values = call('HMGET', payloads, unpack(ids))
    for index = 1, #ids do
      reply[#reply + 1] = ids[index]
      reply[#reply + 1] = numbers[index]
      reply[#reply + 1] = values[index]
      reply[#reply + 1] = terms[index]
    end
  end
  return reply
end

local alive = call('ZSCORE', F .. ':workers', worker)
if not alive or tonumber(alive) <= now then
  return {0, -1, microseconds}
end
local last = tonumber(call('HGET', me, 'lease') or 0)
if number < last then
  return {1, 0, microseconds}
end
if number == last then -- the reply was lost: the same leases again
  local ids, numbers, terms, held = {}, {}, {}, call('HGETALL', mine)
  for index = 1, #held, 2 do
    local token, attempt = string.match(held[index + 1], '^(%S+) (%S+)')
    if tonumber(token) == number then
      ids[#ids + 1] = held[index]
      numbers[#numbers + 1] = tonumber(attempt)
      terms[#terms + 1] = string.sub(held[index + 1], -9) == ' answered' and 'none' or 'late'
    end
  end
  return answer(ids, numbers, terms)
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

local ids, lease_hosts, lease_crawls, terms = {}, {}, {}, {}

-- Take up to `want` requests of a host, its crawls in turn. Returns how many, and whether something is left queued.
local function serve(host, want, term)
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
        ids[place], lease_hosts[place], lease_crawls[place], terms[place] = popped[index], host, crawl, term
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

local in_flight, changed = {}, {}

-- Take a host away from where leases are looked for, and keep its next allowed time.
local function hide(host, due)
  call('ZREM', ready, host)
  if due > now then
    call('ZADD', clock, string.format('%.1f', due), host)
  end
end

-- Take what the host's places and its time allow: with a delay one request, whose turn is at `due` or now.
local function visit_open(host, due, quota, delay, places)
  local free, took, left = places - in_flight[host], 0, true
  local turn_at = math.max(exact, due)
  if free > 0 then
    local term = delay > 0 and string.format('%.1f', turn_at) or ''
    took, left = serve(host, math.min(quota, free), term)
    in_flight[host] = in_flight[host] + took
  end
  if took > 0 then
    changed[host] = true
    due = delay > 0 and turn_at + delay or now
  end
  if not left or took >= free then
    hide(host, due)
  elseif took > 0 then
    call('ZADD', ready, delay > 0 and string.format('%.1f', due) or now_text, host)
  end
end

-- Pages take each place in the moment when it is freed: one is left for the images that wait for one.
local anybody_waits
local function is_waited_for(host)
  if anybody_waits == nil then
    anybody_waits = call('EXISTS', waiting) == 1
  end
  return anybody_waits and #others_waiting(host, '') > 0
end

local function visit(host, due, quota)
  local how = pace_of(host, usual_delay, usual_places)
  if how.down then
    local _, left = serve(host, count - #ids, 'down')
    if not left then
      hide(host, due)
    end
    return
  elseif how.closed > now + (how.delay > 0 and AHEAD_MS or 0) then -- what has no turn would be sent at once
    call('ZADD', ready, string.format('%.1f', math.max(due, how.closed)), host)
    return
  end
  local places = is_waited_for(host) and how.places - 1 or how.places
  if places == 0 and in_flight[host] == 0 then -- nobody will free one, should the image be gone: look again soon
    call('ZADD', ready, string.format('%.1f', math.max(due, now + AHEAD_MS + AGAIN_MS)), host)
  else
    visit_open(host, math.max(due, how.closed), how.delay > 0 and 1 or quota, how.delay, places)
  end
end

-- Take requests that the worker sends by turns and places of its own.
local function visit_own(host, want)
  if want <= 0 or call('EXISTS', F .. ':host:' .. host) == 0 then
    return
  end
  local _, left = serve(host, want, 'none')
  local due = call('ZSCORE', ready, host)
  if not left and due then
    hide(host, tonumber(due))
  end
end

promote()
unpark()
local visits = 2 * count + STEP
while #ids < count and visits > 0 do
  local wanted = count - #ids
  local limit = math.min(wanted, visits)
  local found = call('ZRANGEBYSCORE', ready, '-inf', text(now + AHEAD_MS), 'WITHSCORES', 'LIMIT', 0, limit)
  local hosts = {}
  for index = 1, #found, 2 do
    hosts[#hosts + 1] = found[index]
  end
  if #hosts == 0 then
    break
  end
  visits = visits - #hosts
  local known = call('HMGET', busy, unpack(hosts))
  local quota = math.max(1, math.floor(wanted / #hosts))
  for index, host in ipairs(hosts) do
    in_flight[host] = in_flight[host] or tonumber(known[index] or 0)
    visit(host, tonumber(found[2 * index]), quota)
  end
end
for index = 6, #ARGV, 2 do
  visit_own(ARGV[index], math.min(tonumber(ARGV[index + 1]), count - #ids))
end

local numbers = {}
if #ids > 0 then
  local failed = call('EXISTS', attempts) == 1 and call('HMGET', attempts, unpack(ids)) or {}
  local held, taken = {}, {}
  for index = 1, #ids do
    numbers[index] = tonumber(failed[index] or 0) + 1
    held[2 * index - 1] = ids[index]
    held[2 * index] = number .. ' ' .. numbers[index] .. ' ' .. lease_hosts[index] .. ' ' .. lease_crawls[index]
    if terms[index] == 'none' or terms[index] == 'down' then
      held[2 * index] = held[2 * index] .. ' answered' -- it has no place to free
    end
  end
  call('HSET', mine, unpack(held))
  for host in pairs(changed) do
    taken[#taken + 1] = host
    taken[#taken + 1] = text(in_flight[host])
  end
  if #taken > 0 then
    call('HSET', busy, unpack(taken))
  end
end
return answer(ids, numbers, terms)
