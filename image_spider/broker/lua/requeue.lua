-- Put dead letters of a crawl back into the queue, from the oldest one on; a crawl that is over runs again.
-- KEYS[1] frontier
-- ARGV crawl, letters at the old end to pass over, limit
-- Result: letters that stay, requests that were queued
-- include clock
-- include queues
-- include endings
local crawl, passed, limit = ARGV[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local dead = F .. ':dead'
local letters = call('LRANGE', dead, -(passed + limit), -(passed + 1))
local state, queued = state_of(crawl), 0
for index, letter in ipairs(letters) do
  local id, owner, host, payload = string.match(letter, '^([^\n]*)\n([^\n]*)\n([^\n]*)\n[^\n]*\n[^\n]*\n[^\n]*\n(.*)$')
  if owner == crawl and state and string.match(host, '^[^%s/]+$') then
    if queued == 0 and state ~= 'running' and state ~= 'paused' then
      reopen_crawl(crawl)
      states[crawl] = 'running'
    end
    call('HSET', payloads, id, host .. '\n' .. crawl .. '\n0\n' .. payload) -- a full Redis refuses this, or reopening
    call('LSET', dead, index - 1 - #letters - passed, '')
    enqueue(crawl, host, 0, id)
    queued = queued + 1
  end
end
if queued > 0 then
  call('LREM', dead, 0, '')
  call('HINCRBY', F .. ':crawl:' .. crawl, 'outstanding', queued)
  call('HINCRBY', F .. ':crawl:' .. crawl, 'dead', -queued)
end
return {#letters - queued, queued}
