-- Check and enqueue requests.
-- KEYS[1] frontier
-- ARGV worker, number of the call, reopen (1|0), batch or "", filter layers or "", filter keep ms (-1: for ever),
--      numbers of the last push and of the last finish or nack call that were answered, pages that a crawl may ask one
--      host for (0: any), then per request: crawl, host, -priority, delay ms, fingerprint, value of F:payloads
--      fingerprint: "" = none, 16 bytes = check and add, "+" and 16 bytes = add
--      delay -1: a dead letter at once, with the cause in the place of the fingerprint
-- Result: one digit per request: 0 seen, 1 queued, 2 dropped, 3 dead, 4 beyond its host's or crawl's pages; "" for a batch that was pushed before,
--      "forgot" when this server does not know those calls: nothing was pushed
-- include clock
-- include queues
-- include endings
-- include filter
-- include history
local WORKER_MS = 3600 * 1000
local FED_MS = 3600 * 1000
local FIELDS, FIRST = 6, 10
local worker, number, reopen, batch = ARGV[1], tonumber(ARGV[2]), ARGV[3] == '1', ARGV[4]
local layers, keep, host_pages = ARGV[5], ARGV[6], tonumber(ARGV[9])

local me = F .. ':worker:' .. worker
if has_forgotten(worker, ARGV[7], ARGV[8]) then
  return 'forgot'
end
local last = tonumber(call('HGET', me, 'push') or 0)
if number <= last then
  return number == last and call('HGET', me, 'pushed') or ''
end

-- The first write must be one that a full Redis refuses: then nothing is changed.
local serial = call('INCRBY', F .. ':counter', (#ARGV - FIRST + 1) / FIELDS) - (#ARGV - FIRST + 1) / FIELDS
local result, counts, values, queues = {}, {}, {}, {}

local function counts_of(crawl)
  local count = counts[crawl]
  if count then
    return count
  end
  count = {queued = 0, seen = 0, dropped = 0, refused = 0, asked = 0, hosts = {}, before = {}}
  counts[crawl] = count
  local record, state = F .. ':crawl:' .. crawl, state_of(crawl)
  if not state then
    call('HSET', record, 'state', 'running', 'outstanding', 0, 'created', now, 'started', now, 'arguments', '')
    call('ZADD', F .. ':crawls', now, crawl)
    states[crawl] = 'running'
  elseif state == 'finished' and reopen then
    reopen_crawl(crawl)
    states[crawl] = 'running'
  end
  local limits = call('HMGET', record, 'max_pages', 'asked')
  count.left = limits[1] and limits[1] - (limits[2] or 0) or math.huge
  count.open = states[crawl] == 'running' or states[crawl] == 'paused'
  return count
end

local function new_id()
  serial = serial + 1
  return string.format('%012x', serial)
end

local function store(crawl, host, score, delay, value)
  local id = new_id()
  values[#values + 1] = id
  values[#values + 1] = value
  if tonumber(delay) > 0 then
    call('ZADD', delayed, now + delay, id)
    return
  end
  local place = crawl .. '/' .. host
  local queue = queues[place]
  if not queue then
    queue = {crawl = crawl, host = host, 'ZADD', F .. ':queue:' .. place}
    queues[place] = queue
  end
  queue[#queue + 1] = score
  queue[#queue + 1] = id
end

-- Tell whether a crawl may ask a host for one page more; those pushed without a fingerprint were counted before.
local function has_room(crawl, count, host)
  if count.asked >= count.left then
    return false
  end
  if host_pages == 0 then
    return true
  end
  if not count.before[host] then
    count.before[host] = tonumber(call('HGET', F .. ':pages:' .. crawl, host) or 0)
  end
  return count.before[host] + (count.hosts[host] or 0) < host_pages
end

local function push(crawl, host, score, delay, fingerprint, value)
  local count = counts_of(crawl)
  if not count.open then
    count.dropped = count.dropped + 1
    return 2
  end
  if delay == '-1' then
    bury(new_id(), crawl, host, 0, fingerprint, payload_of(value))
    return 3
  end
  if fingerprint ~= '' then
    if not has_room(crawl, count, host) then
      count.refused = count.refused + 1
      return 4
    end
    local filter = filter_of(crawl, layers, keep)
    if #fingerprint == 17 then
      remember(filter, string.sub(fingerprint, 2), layers)
    elseif not remember(filter, fingerprint, layers) then
      count.seen = count.seen + 1
      return 0
    end
    count.asked = count.asked + 1
    count.hosts[host] = (count.hosts[host] or 0) + 1
  end
  count.queued = count.queued + 1
  store(crawl, host, score, delay, value)
  return 1
end

local fed = true
if batch ~= '' then
  call('ZREMRANGEBYSCORE', F .. ':fed', '-inf', now - FED_MS)
  fed = call('ZADD', F .. ':fed', 'NX', now, batch) == 1
end
if fed then
  for index = FIRST, #ARGV, FIELDS do
    result[#result + 1] = push(
      ARGV[index], ARGV[index + 1], ARGV[index + 2], ARGV[index + 3], ARGV[index + 4], ARGV[index + 5])
  end
  if #values > 0 then
    call('HSET', payloads, unpack(values))
  end
  for _, queue in pairs(queues) do
    call(unpack(queue))
    show_host(queue.crawl, queue.host)
  end
  for crawl, count in pairs(counts) do
    local record = F .. ':crawl:' .. crawl
    if count.queued > 0 then
      call('HINCRBY', record, 'outstanding', count.queued)
      call('HINCRBY', record, 'queued', count.queued)
    end
    if count.seen > 0 then
      call('HINCRBY', record, 'seen', count.seen)
    end
    if count.dropped > 0 then
      call('HINCRBY', record, 'dropped', count.dropped)
    end
    if count.refused > 0 then
      call('HINCRBY', record, 'refused', count.refused)
    end
    if count.asked > 0 and count.left ~= math.huge then
      call('HINCRBY', record, 'asked', count.asked)
    end
    if host_pages > 0 then
      for host, pages in pairs(count.hosts) do
        call('HINCRBY', F .. ':pages:' .. crawl, host, pages)
      end
    end
  end
  save_filters()
end
result = table.concat(result)
call('HSET', me, 'push', number, 'pushed', result)
call('PEXPIRE', me, WORKER_MS)
return result
