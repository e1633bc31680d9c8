-- The pace at which commands leave the region: IoT Hub counts all that is sent, whichever host sends it.
-- in:    nothing
-- out:   table command_pace with a row for each route
-- locks: none

-- A token bucket for each route. Its rate is a setting of the region and comes with each statement.
create table command_pace (
    route      text collate "C"  primary key,
    budget     double precision  not null,   -- transmissions that may go at filled_at
    filled_at  timestamptz       not null,   -- never goes back: no second is counted twice
    given      integer           not null    -- what the newest asker was given
);
insert into command_pace (route, budget, filled_at, given) values ('method', 0, 'epoch', 0), ('queue', 0, 'epoch', 0);
