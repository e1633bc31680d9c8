metadata description = 'Names of resources. One place, so that a test can hold them to the limits of Azure for every region.'

@export()
@description('A name within the resource group or subscription, such as pumps-weu-decode.')
func localName(code string, part string) string => empty(part) ? 'pumps-${code}' : 'pumps-${code}-${part}'

@export()
@description('A name that is unique in the world, such as pumps-weu-raw-k3x7q: the end comes from subscription and region.')
func globalName(code string, part string, subscriptionId string) string =>
  '${localName(code, part)}-${take(uniqueString(subscriptionId, code), 5)}'

@export()
@description('A storage account: 24 lower-case letters and digits at most, unique in the world.')
func storageName(code string, part string, subscriptionId string) string =>
  'pumps${code}${take(replace(part, '-', ''), 8)}${take(uniqueString(subscriptionId, code, part), 6)}'
