-- Workers that wait for a place at a host: F:waiting has host -> "worker ms worker ms ...", the first come first, with
-- the time when each asked last. One that has not asked for a while does not wait any more.
local waiting = F .. ':waiting'
local PATIENCE_MS = 5000 -- more than politeness/turns.py lets pass between two calls

-- Returns the names of the others that wait, and how many of them came before this worker.
local function others_waiting(host, worker)
  local others, ahead, met = {}, 0, false
  for name, asked in string.gmatch(call('HGET', waiting, host) or '', '(%S+) (%S+)') do
    if name == worker then
      met = true
    elseif tonumber(asked) > now - PATIENCE_MS then
      others[#others + 1] = name .. ' ' .. asked
      ahead = ahead + (met and 0 or 1)
    end
  end
  return others, ahead
end

-- Put the worker into the line, or take it out of it.
local function line_up(host, worker, others, ahead, waits)
  if waits then
    table.insert(others, ahead + 1, worker .. ' ' .. now_text)
  end
  if #others > 0 then
    call('HSET', waiting, host, table.concat(others, ' '))
    call('PEXPIRE', waiting, 10 * PATIENCE_MS)
  else
    call('HDEL', waiting, host)
  end
end
