-- Departures from New York's airports in 2013, normalised; ts is the scheduled hour in UTC.
CREATE TABLE IF NOT EXISTS airport (
    id INTEGER NOT NULL,
    code CHAR(3) NOT NULL,
    name VARCHAR(40) NOT NULL,
    PRIMARY KEY (id)
) DISTSTYLE ALL;

CREATE TABLE IF NOT EXISTS carrier (
    id INTEGER NOT NULL,
    code CHAR(2) NOT NULL,
    name VARCHAR(40) NOT NULL,
    PRIMARY KEY (id)
) DISTSTYLE ALL;

CREATE TABLE IF NOT EXISTS flights (
    ts TIMESTAMP NOT NULL,
    origin INTEGER NOT NULL REFERENCES airport (id),
    carrier INTEGER NOT NULL REFERENCES carrier (id),
    flights INTEGER NOT NULL,
    cancelled INTEGER NOT NULL,
    delay_minutes INTEGER NOT NULL
) SORTKEY (ts);
