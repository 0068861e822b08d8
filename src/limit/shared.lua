-- What one call wants of its limits, all of it or nothing, and what becomes of it. limit/shared.h calls it; the numbers are those of
-- limit/gcra.h and limit/spend.h, and so are the results. The clock is the server's.
--
-- KEYS      one for each limit
-- ARGV[1]   take; settle: what was taken, less or more; hold: leases go on; here: so does a weir's, in the one key that counts them
-- ARGV[2]   the call's lease; to settle, those of several calls that have ended
-- ARGV[3]   milliseconds that it lasts
-- ARGV[3+i] of KEYS[i], numbers after a letter:
--     r never n period q r sign    a rate: n in a period of microseconds; the amount costs q microseconds and r n-ths of one
--     s never most month amount sign period least
--                                  money by the calendar; least: what is known to have been spent in that period; what is given
--                                  back is of that period, 0: of any, and changes no other
--     p never most                 calls at a time
-- sign is -1 where something is given back. never: more is asked than there is at most.
--
-- Answers "taken now a b …", of each limit what it counts afterwards: of a rate, how long until nothing does (a microseconds, b
-- n-ths); of money, the period's number and the sum; of calls, how many there are; with here also since when there is any data.
-- One text, and no list: a reader of lists goes to more trouble for each number than weir for reading it. To settle and hold: now.

local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local op, lease, lasts = ARGV[1], ARGV[2], tonumber(ARGV[3])
local DEBT_MAX = 366 * 86400 * 1000000

local function whole(x) return string.format('%.0f', x) end

-- What is no weir's under the key gives way.
local function read(key, ...)
    local value = redis.pcall(...)
    if type(value) == 'table' and value.err then
        redis.call('DEL', key)
        return nil
    end
    return value
end

local function numbers(key, pattern)
    local value = read(key, 'GET', key)
    if not value then return nil end
    local a, b, c, d = string.match(value, pattern)
    return tonumber(a), tonumber(b), tonumber(c), tonumber(d)
end

-- ---- a rate ----

local rate = {}

function rate.read(key, ask)
    local n = ask[2]
    local full, rest, of, at = numbers(key, '^(%d+):(%d+):(%d+):(%d+)$')
    local q, r = 0, 0
    local back = at and at > now -- the clock was put back: as much is owed as then
    if back then full = full - (at - now) end
    if of and of > 0 and (full > now or (full == now and rest > 0)) then q, r = full - now, rest end
    if of and of ~= n then -- with another rule as much is owed
        local debt = (q * of + r) / n
        q = math.floor(debt)
        r = math.floor((debt - q) * n)
    end
    if q > DEBT_MAX or (q == DEBT_MAX and r > 0) then q, r = DEBT_MAX, 0 end
    local count = {q = q, r = r}
    if back then rate.write(key, count, ask) end -- also where nothing is taken: time goes on from here
    return count
end

local function add(count, n, q, r)
    q, r = count.q + q, count.r + r
    if r >= n then q, r = q + 1, r - n end
    return q, r
end

function rate.full(count, ask)
    local q, r = add(count, ask[2], ask[4], ask[5])
    return q > ask[3] or (q == ask[3] and r > 0)
end

function rate.change(count, ask)
    local n, q, r = ask[2], ask[4], ask[5]
    if ask[6] > 0 then
        q, r = add(count, n, q, r)
    else
        q, r = count.q - q, count.r - r
        if r < 0 then q, r = q - 1, r + n end
        if q < 0 then q, r = 0, 0 end
    end
    if q > DEBT_MAX or (q == DEBT_MAX and r > 0) then q, r = DEBT_MAX, 0 end
    count.q, count.r = q, r
end

function rate.write(key, count, ask)
    if count.q == 0 and count.r == 0 then
        redis.call('DEL', key)
    else
        redis.call('SET', key, whole(now + count.q) .. ':' .. whole(count.r) .. ':' .. whole(ask[2]) .. ':' .. whole(now),
            'PX', whole(math.floor(count.q / 1000) + 2))
    end
end

function rate.tell(count) return count.q, count.r end

-- ---- money ----

local money = {}

-- The number of a month, from January 1970 on (days_from_civil, turned round).
local function month(days)
    local z = days + 719468
    local era = math.floor(z / 146097)
    local day = z - era * 146097
    local year = math.floor((day - math.floor(day / 1460) + math.floor(day / 36524) - math.floor(day / 146096)) / 365)
    local rest = day - (365 * year + math.floor(year / 4) - math.floor(year / 100))
    local m = math.floor((5 * rest + 2) / 153)
    year = year + era * 400
    m = m + 3
    if m > 12 then year, m = year + 1, m - 12 end
    return (year - 1970) * 12 + m - 1
end

function money.read(key, ask)
    local period, sum = numbers(key, '^(%d+):(%d+)$')
    local days = math.floor(time[1] / 86400)
    local today = ask[3] == 1 and month(days) or days
    if period and period == today + 1 then today = period end
    if period ~= today then sum = 0 end
    if ask[6] == today and ask[7] > sum then sum = ask[7] end
    return {period = today, sum = sum}
end

function money.full(count, ask)
    local left = ask[2] - count.sum
    return left <= 0 or left < ask[4]
end

function money.change(count, ask)
    if ask[5] < 0 and ask[6] ~= 0 and ask[6] ~= count.period then return end
    count.sum = math.max(count.sum + ask[4] * ask[5], 0)
end

function money.write(key, count, ask)
    redis.call('SET', key, whole(count.period) .. ':' .. whole(count.sum), 'EX', ask[3] == 1 and 5356800 or 172800)
end

function money.tell(count) return count.period, count.sum end

-- ---- calls at a time ----

local calls = {}

function calls.read(key)
    local ms = math.floor(now / 1000)
    read(key, 'ZREMRANGEBYSCORE', key, '-inf', ms)
    for _, early in ipairs(redis.call('ZRANGEBYSCORE', key, '(' .. whole(ms + lasts), '+inf')) do -- the clock was put back
        redis.call('ZADD', key, whole(ms + lasts), early)
    end
    return {held = redis.call('ZCARD', key), expires = ms + lasts}
end

function calls.full(count, ask) return count.held >= ask[2] end

function calls.change(count, ask)
    count.took = ask[3] > 0
end

function calls.write(key, count)
    if count.took then
        redis.call('ZADD', key, whole(count.expires), lease)
        redis.call('PEXPIRE', key, lasts)
    else
        for one in string.gmatch(lease, '%S+') do redis.call('ZREM', key, one) end
    end
    count.held = redis.call('ZCARD', key)
end

function calls.tell(count) return count.held, 0 end

-- ---- all of them ----

local kinds = {r = rate, s = money, p = calls}
local asks, counts = {}, {}
local taken = true

for i, key in ipairs(KEYS) do
    local text, ask = ARGV[3 + i], {}
    for word in string.gmatch(text, '%-?%d+') do ask[#ask + 1] = tonumber(word) end
    ask.kind = kinds[string.sub(text, 1, 1)]
    asks[i] = ask
    counts[key] = counts[key] or ask.kind.read(key, ask)
    if op == 'take' and (ask[1] == 1 or ask.kind.full(counts[key], ask)) then taken = false end
end

local answer = {taken and '1' or '0', whole(now)}
for i, key in ipairs(KEYS) do
    if taken then
        asks[i].kind.change(counts[key], asks[i])
        asks[i].kind.write(key, counts[key], asks[i])
    end
    local a, b = asks[i].kind.tell(counts[key]) -- before the next, which may count in the same key
    answer[#answer + 1] = whole(a)
    answer[#answer + 1] = whole(b)
end
if op == 'settle' or op == 'hold' then return now end -- nobody reads more
if op == 'here' then
    local since = read('{weir}:since', 'GET', '{weir}:since')
    if not tonumber(since or nil) then
        since = whole(now)
        redis.call('SET', '{weir}:since', since)
    end
    answer[4] = whole(tonumber(since))
end
return table.concat(answer, ' ')
