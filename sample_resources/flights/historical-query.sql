-- Every departure before the end of history, in New York's local time as params.json says.
SELECT
    CONVERT_TIMEZONE('UTC', 'America/New_York', f.ts) AS timestamp,
    airport.code AS origin,
    carrier.code AS carrier,
    f.flights,
    f.cancelled,
    f.delay_minutes
FROM flights AS f
JOIN airport ON airport.id = f.origin
JOIN carrier ON carrier.id = f.carrier
WHERE f.ts < :window_end
