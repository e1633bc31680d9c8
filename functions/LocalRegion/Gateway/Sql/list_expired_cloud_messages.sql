-- in:  @now integer (ms since 1970), @limit integer
-- out: sequence integer
select sequence from cloud_message where expires_at <= @now order by expires_at limit @limit;
