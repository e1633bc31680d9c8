metadata description = 'PostgreSQL flexible server with TimescaleDB. Entra ID is the only way to sign in; no password exists.'

import { databaseType, privateLinkType } from '../types.bicep'

param name string
param location string
param settings databaseType
param zoneRedundant bool
param lock bool
param privateLink privateLinkType?
param workspaceId string

@description('Server parameters. A restart brings in the libraries; the deployment workflow does it when one is due.')
var parameters = {
  'azure.extensions': 'TIMESCALEDB'
  shared_preload_libraries: 'pg_stat_statements,timescaledb'
  'timescaledb.telemetry_level': 'off'
  wal_compression: 'on'
  ssl_min_protocol_version: 'TLSv1.2'
}

resource server 'Microsoft.DBforPostgreSQL/flexibleServers@2024-08-01' = {
  name: name
  location: location
  sku: { name: settings.sku, tier: settings.tier }
  properties: {
    version: '16'
    authConfig: { activeDirectoryAuth: 'Enabled', passwordAuth: 'Disabled', tenantId: tenant().tenantId }
    storage: { storageSizeGB: settings.storageGB, autoGrow: 'Enabled' }
    backup: { backupRetentionDays: settings.backupDays, geoRedundantBackup: settings.geoBackup ? 'Enabled' : 'Disabled' }
    highAvailability: { mode: zoneRedundant ? 'ZoneRedundant' : 'Disabled' }
    network: { publicNetworkAccess: privateLink == null ? 'Enabled' : 'Disabled' }
  }
}

resource database 'Microsoft.DBforPostgreSQL/flexibleServers/databases@2024-08-01' = {
  parent: server
  name: 'pumps'
  properties: { charset: 'UTF8', collation: 'en_US.utf8' }
}

// The server takes one change at a time.
@batchSize(1)
resource configuration 'Microsoft.DBforPostgreSQL/flexibleServers/configurations@2024-08-01' = [
  for item in items(parameters): {
    parent: server
    name: item.key
    properties: { value: item.value, source: 'user-override' }
    dependsOn: [database]
  }
]

resource administrators 'Microsoft.DBforPostgreSQL/flexibleServers/administrators@2024-08-01' = {
  parent: server
  name: settings.administrators.objectId
  properties: { principalType: 'Group', principalName: settings.administrators.name, tenantId: tenant().tenantId }
  dependsOn: [configuration]
}

// In a public region the apps have no fixed addresses: any Azure address may knock, and only an identity with a role gets in.
resource azureAddresses 'Microsoft.DBforPostgreSQL/flexibleServers/firewallRules@2024-08-01' = if (privateLink == null) {
  parent: server
  name: 'azure'
  properties: { startIpAddress: '0.0.0.0', endIpAddress: '0.0.0.0' }
  dependsOn: [administrators]
}

module endpoint 'privateEndpoint.bicep' = if (privateLink != null) {
  params: {
    name: name
    location: location
    targetId: server.id
    groups: ['postgresqlServer']
    privateLink: privateLink!
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: server
  name: 'workspace'
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'PostgreSQLLogs', enabled: true }]
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

resource keep 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  scope: server
  name: 'data'
  properties: { level: 'CanNotDelete', notes: 'Holds devices, history and everything customers have entered.' }
}
