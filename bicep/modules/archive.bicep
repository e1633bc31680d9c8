metadata description = 'Raw events as they came in, for replay: captured by Event Hubs, moved to cheaper tiers as they age.'

import { archiveType, privateLinkType } from '../types.bicep'
import { roles } from '../roles.bicep'

param name string
param location string
param settings archiveType

@description('Name of the identity that writes the captured events.')
param identityName string

param lock bool
param privateLink privateLinkType?

var container = 'raw'

module account 'storage.bicep' = {
  params: {
    name: name
    location: location
    sku: settings.redundancy
    containers: [container]
    services: ['blob']
    privateLink: privateLink
  }
}

resource storage 'Microsoft.Storage/storageAccounts@2024-01-01' existing = { name: name }

resource lifecycle 'Microsoft.Storage/storageAccounts/managementPolicies@2024-01-01' = {
  parent: storage
  name: 'default'
  properties: {
    policy: {
      rules: [
        {
          name: 'age'
          type: 'Lifecycle'
          enabled: true
          definition: {
            filters: { blobTypes: ['blockBlob'], prefixMatch: ['${container}/'] }
            actions: {
              baseBlob: {
                tierToCool: { daysAfterModificationGreaterThan: settings.coolAfterDays }
                // Not the archive tier: zone-redundant accounts have none, and a replay would wait half a day for each file.
                tierToCold: { daysAfterModificationGreaterThan: settings.coldAfterDays }
                delete: { daysAfterModificationGreaterThan: settings.deleteAfterDays }
              }
            }
          }
        }
      ]
    }
  }
  dependsOn: [account]
}

resource writer 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = { name: identityName }

resource mayWrite 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  scope: storage
  name: guid(storage.id, identityName, roles.blobContributor)
  properties: {
    principalId: writer.properties.principalId
    principalType: 'ServicePrincipal'
    roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.blobContributor)
  }
  dependsOn: [account]
}

resource keep 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  scope: storage
  name: 'data'
  properties: { level: 'CanNotDelete', notes: 'Holds every raw event of the region.' }
  dependsOn: [account]
}

output storageAccountId string = storage.id
output container string = container
