-- Give requests back.
-- KEYS[1] frontier
-- ARGV worker, number of the call, numbers of the last push and of the last finish or nack call that were answered,
--      max attempts, then per request: id, token, cause, delay ms, mode (attempted|unharmed|dead)
-- Result: finished (0), returned, dead, more (0), {crawls that ended}
-- include clock
-- include queues
-- include endings
-- include leases
-- include history
local worker, max_attempts = ARGV[1], tonumber(ARGV[5])
local mine = F .. ':leases:' .. worker
local hosts, returned, dead = {}, 0, 0
if has_forgotten(worker, ARGV[3], ARGV[4]) then
  return {0, 0, 0, 0, {}}
end
note_release(worker, ARGV[2])
for index = 6, #ARGV, 5 do
  local id = ARGV[index]
  local value = call('HGET', mine, id)
  local token, attempt, host, crawl, answered = read_lease(value or '')
  if token == ARGV[index + 1] then
    call('HDEL', mine, id)
    if answered == '' then
      hosts[host] = (hosts[host] or 0) + 1
    end
    local delay, mode = tonumber(ARGV[index + 3]), ARGV[index + 4]
    if give_back(id, attempt, crawl, host, ARGV[index + 2], delay, mode, max_attempts) then
      dead = dead + 1
    else
      returned = returned + 1
    end
  end
end
free_places(hosts)
return {0, returned, dead, 0, ended}
