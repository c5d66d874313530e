-- Included by every script: the frontier's name, the server's time, the most used keys.
local call = redis.call
local F = KEYS[1]
local time = call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
-- Redis writes Lua's numbers as doubles, which takes as long as the command itself: whole numbers go as text.
local function text(number)
  return string.format("%d", number)
end
local now_text = text(now)
local payloads, attempts, losses, busy = F .. ':payloads', F .. ':attempts', F .. ':losses', F .. ':busy'
local ready, clock, delayed = F .. ':ready', F .. ':clock', F .. ':delayed'
