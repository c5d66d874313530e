-- How a host may be asked. F:pace has the hosts for which that differs from the settings, which the worker tells.
-- Its values are "version delay places closed down state": ms between two requests, requests at a time, the time until
-- which none may be sent, 1 when each is to fail at once until then, and what politeness/host_state.py writes.
local pace = F .. ':pace'
local paces, any_pace = {}, nil

local function read_pace(value)
  local version, delay, places, closed, down, state = string.match(value or '', '^(%d+) (%S+) (%d+) (%S+) (%d) (.*)$')
  return version or '0', tonumber(delay), tonumber(places), tonumber(closed), down == '1', state
end

-- Returns {version, delay, places, closed (0: it is open), down}.
local function pace_of(host, usual_delay, usual_places)
  local found = paces[host]
  if found then
    return found
  end
  if any_pace == nil then
    any_pace = call('EXISTS', pace) == 1
  end
  local version, delay, places, closed, down = read_pace(any_pace and call('HGET', pace, host))
  closed = closed and closed > now and closed or 0
  found = {version = version, delay = delay or usual_delay, places = places or usual_places, closed = closed,
    down = down and closed > 0}
  paces[host] = found
  return found
end
