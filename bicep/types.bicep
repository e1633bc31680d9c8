metadata description = 'What a region file may say. A misspelt or missing member fails in build-params, before anything is deployed.'

@export()
@description('One region. Regions share nothing: every member is about this one.')
type regionType = {
  @description('Short name, part of every resource name; lower-case letters and digits.')
  @minLength(2)
  @maxLength(5)
  code: string

  @description('Azure location, such as westeurope.')
  location: string

  @description('Where the web site is managed, for a location that has no Static Web Apps; it is served from everywhere.')
  siteLocation: string?

  @description('Zone-redundant apps, storage and database. Costs a second database server, and two instances that never go away for each function.')
  zoneRedundant: bool

  network: networkType
  iotHub: iotHubType
  rawHubs: namespaceType
  feedHubs: namespaceType
  database: databaseType
  archive: archiveType

  @description('Size of each function app, by its folder in functions/.')
  apps: { *: appType }

  @description('Companies and teams that read feeds of this region.')
  partners: partnerType[]

  @description('Whose firmware the devices of this region may get: an image that none of these keys has signed is not imported, so none is without a key.')
  firmwareKeys: firmwareKeyType[]?

  monitoring: monitoringType
  budget: budgetType

  @description('Puts a lock against deletion on what holds data: database, archive, IoT Hub and its provisioning service.')
  lockData: bool
}

@export()
@description('private: apps, hubs, storage and database talk over a virtual network. Devices reach IoT Hub and its provisioning service over the internet in both cases.')
@discriminator('kind')
type networkType = publicNetworkType | privateNetworkType

type publicNetworkType = { kind: 'public' }

type privateNetworkType = {
  kind: 'private'

  @description('A /21 that overlaps with no network this one is ever to be peered with, such as 10.20.0.0/21.')
  addresses: string
}

@export()
type iotHubType = {
  @description('S1: 400,000 messages a day and unit; S2: 6 million; S3: 300 million.')
  tier: 'S1' | 'S2' | 'S3'

  @minValue(1)
  @maxValue(200)
  units: int

  @description('Days that the built-in endpoint keeps what no route took.')
  @minValue(1)
  @maxValue(7)
  retentionDays: int
}

@export()
@description('An Event Hubs namespace, Standard tier. A throughput unit takes in 1 MB or 1000 events a second and gives out 2 MB or 4096 events.')
type namespaceType = {
  @minValue(1)
  @maxValue(40)
  throughputUnits: int

  @description('The namespace grows to this by itself, and never shrinks.')
  @minValue(1)
  @maxValue(40)
  throughputUnitsMax: int

  @description('Partitions of each hub in place of the catalog\'s. They cannot be removed later.')
  @minValue(1)
  @maxValue(32)
  partitions: int?
}

@export()
type databaseType = {
  @description('Such as Standard_D4ds_v5; burstable sizes (Standard_B2s) have no zone redundancy.')
  sku: string

  tier: 'Burstable' | 'GeneralPurpose' | 'MemoryOptimized'

  @minValue(32)
  @maxValue(32767)
  storageGB: int

  @description('Days that single observations are kept, and for which the disk is sized. Roll-ups of hours and days stay longer.')
  @minValue(1)
  @maxValue(3650)
  historyDays: int

  @minValue(7)
  @maxValue(35)
  backupDays: int

  @description('Copies backups to the paired region: what a lost region is restored from. Cannot be changed later.')
  geoBackup: bool

  @description('The Entra group whose members are the database\'s administrators; the deploying identity is one of them.')
  administrators: { objectId: string, name: string }
}

@export()
@description('Raw events as they came in, for replay.')
type archiveType = {
  @description('Geo: copies to the paired region too.')
  redundancy: 'Standard_LRS' | 'Standard_ZRS' | 'Standard_GZRS' | 'Standard_GRS'

  @description('Days after which a file moves to the cool tier, then to the cold tier, and then is deleted.')
  coolAfterDays: int
  coldAfterDays: int
  deleteAfterDays: int
}

@export()
@description('Size of one Flex Consumption app.')
type appType = {
  memoryMB: 512 | 2048 | 4096

  @description('The cap that bounds cost and the number of database sessions.')
  @minValue(40)
  @maxValue(1000)
  instancesMax: int

  @description('Instances that never go away, by scale group: function:<name>, http or durable.')
  alwaysReady: { *: int }
}

@export()
@description('A reader of feeds: a consumer group and an identity that may read through this group alone. No secret is handed over: the partner\'s own identity provider is trusted.')
type partnerType = {
  @description('Name of the consumer group, such as agronomy-lab.')
  @minLength(2)
  @maxLength(30)
  name: string

  @description('Feed hubs, such as irrigation-telemetry.')
  @minLength(1)
  feeds: string[]

  @description('OpenID Connect issuer of the partner and the subject of its workload there.')
  issuer: string
  subject: string

  @description('IPv4 addresses or ranges it comes from; needed when the network is private.')
  addresses: string[]
}

@export()
@description('A public key: Ed25519, 32 bytes, base64. The private one signs where images are built, and is never here.')
@minLength(44)
@maxLength(44)
type firmwareKeyType = string

@export()
type monitoringType = {
  @minValue(30)
  @maxValue(730)
  retentionDays: int

  @description('Logs a day after which the workspace stops taking more, in GB; -1: no cap.')
  dailyCapGB: int

  @description('Who is told, by e-mail: name of the receiver to address.')
  @minLength(1)
  receivers: { name: string, email: string }[]
}

@export()
type budgetType = {
  @description('A month, in the currency of the billing account.')
  @minValue(1)
  amount: int

  @description('First day of a month, not before the present one when the budget is first created, such as 2026-12-01.')
  startDate: string
}

@export()
@description('What of a virtual network a resource uses; none in a public region.')
type privateLinkType = {
  @description('Subnet of the private endpoints.')
  subnetId: string

  @description('Private DNS zones by their names.')
  zones: { *: string }
}
