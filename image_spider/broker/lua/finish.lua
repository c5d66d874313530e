-- Forget requests that are done.
-- KEYS[1] frontier
-- ARGV worker, number of the call, numbers of the last push and of the last finish or nack call that were answered,
--      then per request: id, token, counters ("" or "pages 1 images 12")
-- Result: finished, returned, dead, more (0), {crawls that ended}
-- include clock
-- include queues
-- include endings
-- include leases
-- include history
local worker = ARGV[1]
local mine = F .. ':leases:' .. worker
local asked = {}
if has_forgotten(worker, ARGV[3], ARGV[4]) then
  return {0, 0, 0, 0, {}} -- the requests that these ones gave may be lost
end
note_release(worker, ARGV[2])
for index = 5, #ARGV, 3 do
  asked[#asked + 1] = ARGV[index]
end
local held = call('HMGET', mine, unpack(asked))
local ids, hosts, crawls, taken = {}, {}, {}, {}
for index, value in ipairs(held) do
  if value and not taken[asked[index]] then
    local token, _, host, crawl, answered = read_lease(value)
    if token == ARGV[3 * index + 3] then
      ids[#ids + 1] = asked[index]
      taken[asked[index]] = true
      if answered == '' then
        hosts[host] = (hosts[host] or 0) + 1
      end
      local counters = crawls[crawl]
      if not counters then
        counters = {finished = 0}
        crawls[crawl] = counters
      end
      counters.finished = counters.finished + 1
      for name, amount in string.gmatch(ARGV[3 * index + 4], '(%S+) (%S+)') do
        counters[name] = (counters[name] or 0) + amount
      end
    end
  end
end
if #ids == 0 then
  return {0, 0, 0, 0, {}}
end
call('HDEL', mine, unpack(ids))
call('HDEL', payloads, unpack(ids))
call('HDEL', attempts, unpack(ids))
call('HDEL', losses, unpack(ids))
free_places(hosts)
for crawl, counters in pairs(crawls) do
  for name, amount in pairs(counters) do
    call('HINCRBY', F .. ':crawl:' .. crawl, name, amount)
  end
  gone(crawl, counters.finished)
end
return {#ids, 0, 0, 0, ended}
