-- Functions that make and drop partitions; both kinds of history are served.
-- in:    0001
-- out:   ensure_partitions, drop_partitions
-- locks: none

-- Makes the partitions of a table that cover [from_at, to_at), of one day, month or year each; existing ones stay.
-- Also those for rows that wait in the default partition, if they are not older than keep_from; older ones are deleted.
-- locks: the default partition exclusively, for as long as its rows are moved (seconds at most: it is nearly empty);
--        the table itself only against other changes of its partitions. Writers to other partitions go on.
create function ensure_partitions(parent regclass, column_name text, width text, from_at timestamptz, to_at timestamptz, keep_from timestamptz)
    returns int language plpgsql set timezone = 'UTC' as $$
declare
    stray     regclass := to_regclass(parent::text || '_default');
    step      interval := ('1 ' || width)::interval;
    start     timestamptz;
    partition text;
    made      int := 0;
begin
    if (select relkind from pg_class where oid = parent) <> 'p' then
        return 0;   -- a hypertable makes its chunks itself
    end if;

    perform pg_advisory_xact_lock(hashtext('pumps.partitions'));

    execute format('delete from %s where %I < $1', stray, column_name) using keep_from;

    for start in execute format(
        'select at from generate_series(date_trunc($1, $2), $3 - interval ''1 microsecond'', $4) at
         union select distinct date_trunc($1, %I) from %s where %I < $3 order by 1', column_name, stray, column_name)
        using width, from_at, to_at, step
    loop
        partition := parent::text || to_char(start, case width when 'day' then '"_p"YYYYMMDD' when 'month' then '"_p"YYYYMM' else '"_p"YYYY' end);
        continue when to_regclass(partition) is not null;

        -- Built aside with a check that proves its range, so that attaching it reads nothing but the default partition.
        execute format('create table %s (like %s including defaults including storage including constraints)', partition, parent);
        execute format('alter table %s add primary key (%s)', partition,
            (select string_agg(quote_ident(a.attname), ', ' order by k.ordinality)
               from pg_constraint c, unnest(c.conkey) with ordinality k(attnum, ordinality), pg_attribute a
              where c.conrelid = parent and c.contype = 'p' and a.attrelid = parent and a.attnum = k.attnum));
        execute format('alter table %s add constraint in_range check (%I >= %L and %I < %L)',
            partition, column_name, start, column_name, start + step);

        execute format('lock table %s in access exclusive mode', stray);
        execute format('with moved as (delete from %s where %I >= %L and %I < %L returning *) insert into %s select * from moved',
            stray, column_name, start, column_name, start + step, partition);
        execute format('alter table %s attach partition %s for values from (%L) to (%L)', parent, partition, start, start + step);
        execute format('alter table %s drop constraint in_range', partition);
        made := made + 1;
    end loop;
    return made;
end $$;

-- Drops the partitions that end at or before keep_from; the default partition's old rows are deleted by ensure_partitions.
-- locks: the table exclusively, for the moment of the drop
create function drop_partitions(parent regclass, keep_from timestamptz)
    returns int language plpgsql set timezone = 'UTC' as $$
declare
    partition regclass;
    dropped   int := 0;
begin
    if (select relkind from pg_class where oid = parent) <> 'p' then
        return (select count(*) from drop_chunks(parent, older_than => keep_from));
    end if;

    perform pg_advisory_xact_lock(hashtext('pumps.partitions'));

    for partition in
        select c.oid
          from pg_inherits i
          join pg_class c on c.oid = i.inhrelid
         cross join lateral substring(pg_get_expr(c.relpartbound, c.oid) from 'TO \(''([^'']+)''\)') ends
         where i.inhparent = parent
           and ends::timestamptz <= keep_from
    loop
        execute format('drop table %s', partition);
        dropped := dropped + 1;
    end loop;
    return dropped;
end $$;
