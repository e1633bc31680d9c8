-- The schema as text that is the same for every server version: columns, keys, indexes, storage options, functions, triggers.
-- out:   one text
select string_agg(line, E'\n' order by line collate "C")
  from (
    select format('%s.%s %s%s%s', c.relname, a.attname, format_type(a.atttypid, a.atttypmod),
                  case when a.attnotnull then ' not null' else '' end, coalesce(' default ' || pg_get_expr(d.adbin, d.adrelid), '')) as line
      from pg_class c
      join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
      left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
     where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    union all
    select format('%s table%s%s', c.relname, coalesce(' partitioned by ' || pg_get_partkeydef(c.oid), ''), coalesce(' with ' || c.reloptions::text, ''))
      from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p')
    union all
    select format('%s constraint %s', n.conrelid::regclass, pg_get_constraintdef(n.oid))
      from pg_constraint n where n.connamespace = 'public'::regnamespace and n.contype in ('p', 'u', 'c', 'f')
    union all
    select pg_get_indexdef(i.indexrelid) from pg_index i join pg_class c on c.oid = i.indrelid where c.relnamespace = 'public'::regnamespace
    union all
    select format('function %s(%s) returns %s', p.proname, pg_get_function_identity_arguments(p.oid), pg_get_function_result(p.oid))
      from pg_proc p where p.pronamespace = 'public'::regnamespace
    union all
    select pg_get_triggerdef(t.oid)
      from pg_trigger t join pg_class c on c.oid = t.tgrelid where c.relnamespace = 'public'::regnamespace and not t.tgisinternal
  ) lines
