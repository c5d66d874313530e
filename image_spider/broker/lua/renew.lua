-- Count a worker as alive.
-- KEYS[1] frontier
-- ARGV worker, lease ms, join (1|0), report, numbers of the last push call and of the last finish or nack call
--      that were answered, crawls ...
-- Result: alive (1|0), {crawls that ended and are not recorded}, {state of each crawl, "" for an unknown one}
-- include clock
-- include history
local WORKER_MS = 3600 * 1000
local worker, workers = ARGV[1], F .. ':workers'
local me = F .. ':worker:' .. worker
if ARGV[3] ~= '1' then
  local alive = call('ZSCORE', workers, worker)
  if not alive or tonumber(alive) == 0 then
    return {0, {}, {}}
  end
  if has_forgotten(worker, ARGV[5], ARGV[6]) then
    return {0, {}, {}}
  end
end
call('HDEL', me, 'report') -- a full Redis allows this, and then the rest: else its workers would die of it
call('HSET', me, 'report', ARGV[4])
call('PEXPIRE', me, WORKER_MS)
call('ZADD', workers, now + ARGV[2], worker)
local states = {}
for index = 7, #ARGV do
  states[#states + 1] = call('HGET', F .. ':crawl:' .. ARGV[index], 'state') or ''
end
return {1, call('SRANDMEMBER', F .. ':ended', 100), states}
