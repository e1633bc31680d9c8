metadata description = 'One Flex Consumption app with a plan, an identity and a storage account of its own. Holds no secret.'

import { appType, privateLinkType } from '../types.bicep'
import { roles } from '../roles.bicep'

param name string
param location string
param size appType
param zoneRedundant bool

@description('Name of the app\'s identity.')
param identityName string

@description('Of the app\'s own storage account: its package, its leases and checkpoints.')
param storageName string

@description('Names of the settings that the app reads. One that ends with __0 is the first of a list, and stands for all of it.')
param settingNames string[]

@description('Values that settings of the region have, by name. Not secret.')
param values { *: string }

@description('Values of lists that the region has, by the name of the list.')
param lists { *: string[] }

@description('Orchestrations keep their state in queues and tables of the storage account.')
param durable bool

param appsSubnetId string?
param privateLink privateLinkType?
param workspaceId string

var releases = 'releases'

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = { name: identityName }

module account 'storage.bicep' = {
  params: {
    name: storageName
    location: location
    sku: zoneRedundant ? 'Standard_ZRS' : 'Standard_LRS'
    containers: [releases]
    services: durable ? ['blob', 'queue', 'table'] : ['blob']
    privateLink: privateLink
  }
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = { name: storageName }

var storageRoles = durable ? [roles.blobOwner, roles.queueContributor, roles.tableContributor] : [roles.blobOwner]

resource mayStore 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for role in storageRoles: {
    scope: storage
    name: guid(storage.id, identityName, role)
    properties: {
      principalId: identity.properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', role)
    }
    dependsOn: [account]
  }
]

resource plan 'Microsoft.Web/serverfarms@2024-04-01' = {
  name: name
  location: location
  kind: 'functionapp'
  sku: { tier: 'FlexConsumption', name: 'FC1' }
  properties: { reserved: true, zoneRedundant: zoneRedundant }
}

resource app 'Microsoft.Web/sites@2024-04-01' = {
  name: name
  location: location
  kind: 'functionapp,linux'
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${identity.id}': {} } }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    virtualNetworkSubnetId: appsSubnetId
    functionAppConfig: {
      runtime: { name: 'dotnet-isolated', version: '10.0' }
      deployment: {
        storage: {
          type: 'blobContainer'
          value: '${account.outputs.blobEndpoint}${releases}'
          authentication: { type: 'UserAssignedIdentity', userAssignedIdentityResourceId: identity.id }
        }
      }
      scaleAndConcurrency: {
        instanceMemoryMB: size.memoryMB
        maximumInstanceCount: size.instancesMax
        alwaysReady: map(items(size.alwaysReady), item => { name: item.key, instanceCount: item.value })
      }
    }
    siteConfig: { minTlsVersion: '1.2', scmMinTlsVersion: '1.2', ftpsState: 'Disabled', http20Enabled: true }
  }
  dependsOn: [mayStore]
}

var known = union(values, {
  AZURE_CLIENT_ID: identity.properties.clientId
  AzureWebJobsStorage__accountName: storageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identity.properties.clientId
  RawHubs__credential: 'managedidentity'
  RawHubs__clientId: identity.properties.clientId
  FeedHubs__credential: 'managedidentity'
  FeedHubs__clientId: identity.properties.clientId
  ServiceBus__credential: 'managedidentity'
  ServiceBus__clientId: identity.properties.clientId
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'ClientId=${identity.properties.clientId};Authorization=AAD'
})

var listed = flatten(map(
  filter(settingNames, setting => endsWith(setting, '__0')),
  first => map(lists[replace(first, '__0', '')], (value, i) => { name: replace(first, '__0', '__${i}'), value: value })
))

// A name in a sample that has no value here stops the deployment, and the tests before it.
resource settings 'Microsoft.Web/sites/config@2024-04-01' = {
  parent: app
  name: 'appsettings'
  properties: union(
    toObject(filter(settingNames, setting => !endsWith(setting, '__0')), setting => setting, setting => known[setting]),
    toObject(listed, setting => setting.name, setting => setting.value)
  )
}

resource ftpPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'ftp'
  properties: { allow: false }
}

resource scmPassword 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2024-04-01' = {
  parent: app
  name: 'scm'
  properties: { allow: false }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: app
  name: 'workspace'
  properties: { workspaceId: workspaceId, metrics: [{ category: 'AllMetrics', enabled: true }] }
}
