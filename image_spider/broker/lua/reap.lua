-- Return leases of one worker whose time is over, and tidy a little.
-- KEYS[1] frontier
-- ARGV the reaping worker, limit, max losses
-- Result: finished (0), returned, dead, more (1|0), {crawls that ended}
-- include clock
-- include queues
-- include endings
-- include leases
-- include tidy
tidy()
local workers = F .. ':workers'
local lost
for _, worker in ipairs(call('ZRANGEBYSCORE', workers, '-inf', now, 'LIMIT', 0, 2)) do
  if worker ~= ARGV[1] then
    lost = lost or worker
  end
end
if not lost then
  return {0, 0, 0, 0, ended}
end
-- Score 0 tells a worker that wakes up meanwhile that it is lost.
call('DEL', F .. ':worker:' .. lost)
call('ZADD', workers, 0, lost)
local returned, dead, left = give_back_all(lost, tonumber(ARGV[2]), 'worker lost', 'lost', tonumber(ARGV[3]))
if not left then
  call('ZREM', workers, lost)
end
local more = left or #call('ZRANGEBYSCORE', workers, '-inf', now, 'LIMIT', 0, 1) > 0
return {0, returned, dead, more and 1 or 0, ended}
