metadata description = 'One storage account: identities only, TLS 1.2, nothing public.'

import { privateLinkType } from '../types.bicep'

param name string
param location string
param sku string
param containers string[]

@description('Services that clients use.')
param services ('blob' | 'queue' | 'table')[]
param privateLink privateLinkType?

resource account 'Microsoft.Storage/storageAccounts@2024-01-01' = {
  name: name
  location: location
  kind: 'StorageV2'
  sku: { name: sku }
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    allowCrossTenantReplication: false
    defaultToOAuthAuthentication: true
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    networkAcls: { bypass: 'AzureServices', defaultAction: privateLink == null ? 'Allow' : 'Deny' }
  }
}

resource blobs 'Microsoft.Storage/storageAccounts/blobServices@2024-01-01' = {
  parent: account
  name: 'default'
  properties: { deleteRetentionPolicy: { enabled: true, days: 14 }, containerDeleteRetentionPolicy: { enabled: true, days: 14 } }
}

resource container 'Microsoft.Storage/storageAccounts/blobServices/containers@2024-01-01' = [
  for item in containers: {
    parent: blobs
    name: item
  }
]

module endpoint 'privateEndpoint.bicep' = if (privateLink != null) {
  params: {
    name: name
    location: location
    targetId: account.id
    groups: services
    privateLink: privateLink!
  }
}

output blobEndpoint string = account.properties.primaryEndpoints.blob
