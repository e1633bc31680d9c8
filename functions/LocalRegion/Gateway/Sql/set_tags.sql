-- Changes the tags that are given; null leaves one as it is, '' removes it.
-- in:  @id text, @protocol .. @region text?, @utcOffset integer?
-- out: id, protocol, offering, product, customer, region text, utc_offset integer?; no row for an unknown device
update device
   set protocol = coalesce(@protocol, protocol), offering = coalesce(@offering, offering), product = coalesce(@product, product),
       customer = coalesce(@customer, customer), region = coalesce(@region, region), utc_offset = coalesce(@utcOffset, utc_offset)
 where id = @id
returning id, protocol, offering, product, customer, region, utc_offset;
