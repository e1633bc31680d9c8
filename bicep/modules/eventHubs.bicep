metadata description = 'One Event Hubs namespace with its hubs, consumer groups and capture, and who may send and receive, hub by hub.'

import { namespaceType, partnerType, privateLinkType } from '../types.bicep'
import { roles } from '../roles.bicep'

param name string
param location string
param size namespaceType
param hubs { name: string, partitions: int, retentionHours: int, consumerGroups: string[], captured: bool }[]

@description('Who may do what with which hub: names of identities of this resource group.')
param access { identity: string, hub: string, kind: 'receive' | 'send' }[]

@description('Readers from outside. Each gets its consumer group on the hubs that it names, and a role on this group alone.')
param partners partnerType[] = []

@description('Where captured events go, and the identity that writes them.')
param capture { storageAccountId: string, container: string, identityId: string }?

param privateLink privateLinkType?
param workspaceId string

var roleOf = { receive: roles.eventHubsReceiver, send: roles.eventHubsSender }

// One element per partner and feed. Group and hub are children of the namespace by name.
var readers = flatten(map(partners, partner => map(partner.feeds, feed => { partner: partner.name, hub: feed })))

resource namespace 'Microsoft.EventHub/namespaces@2024-01-01' = {
  name: name
  location: location
  sku: { name: 'Standard', tier: 'Standard', capacity: size.throughputUnits }
  identity: capture == null ? null : { type: 'UserAssigned', userAssignedIdentities: { '${capture!.identityId}': {} } }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    isAutoInflateEnabled: size.throughputUnitsMax > size.throughputUnits
    maximumThroughputUnits: size.throughputUnitsMax > size.throughputUnits ? size.throughputUnitsMax : 0
  }
}

// IoT Hub and capture come in as trusted services, partners by address, everybody else through the private endpoint.
resource rules 'Microsoft.EventHub/namespaces/networkRuleSets@2024-01-01' = {
  parent: namespace
  name: 'default'
  properties: {
    publicNetworkAccess: 'Enabled'
    defaultAction: privateLink == null ? 'Allow' : 'Deny'
    trustedServiceAccessEnabled: true
    ipRules: privateLink == null
      ? []
      : map(flatten(map(partners, partner => partner.addresses)), address => { ipMask: address, action: 'Allow' })
  }
}

resource hub 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' = [
  for item in hubs: {
    parent: namespace
    name: item.name
    properties: {
      partitionCount: size.?partitions ?? item.partitions
      retentionDescription: { cleanupPolicy: 'Delete', retentionTimeInHours: item.retentionHours }
      captureDescription: item.captured && capture != null
        ? {
            enabled: true
            encoding: 'Avro'
            intervalInSeconds: 300
            sizeLimitInBytes: 314572800
            skipEmptyArchives: true
            destination: {
              name: 'EventHubArchive.AzureBlockBlob'
              identity: { type: 'UserAssigned', userAssignedIdentity: capture!.identityId }
              properties: {
                storageAccountResourceId: capture!.storageAccountId
                blobContainer: capture!.container
                archiveNameFormat: '{Namespace}/{EventHub}/{PartitionId}/{Year}/{Month}/{Day}/{Hour}/{Minute}/{Second}'
              }
            }
          }
        : null
    }
  }
]

var groups = flatten(map(hubs, item => map(item.consumerGroups, group => { hub: item.name, group: group })))

@batchSize(10)
resource group 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01' = [
  for item in groups: {
    name: '${name}/${item.hub}/${item.group}'
    dependsOn: [hub]
  }
]

resource partnerGroup 'Microsoft.EventHub/namespaces/eventhubs/consumergroups@2024-01-01' = [
  for item in readers: {
    name: '${name}/${item.hub}/${item.partner}'
    properties: { userMetadata: 'partner' }
    dependsOn: [hub]
  }
]

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = [for item in access: { name: item.identity }]

resource target 'Microsoft.EventHub/namespaces/eventhubs@2024-01-01' existing = [
  for item in access: {
    parent: namespace
    name: item.hub
  }
]

resource mayUse 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (item, i) in access: {
    scope: target[i]
    name: guid(target[i].id, item.identity, roleOf[item.kind])
    properties: {
      principalId: identity[i].properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roleOf[item.kind])
    }
    dependsOn: [hub]
  }
]

resource partnerIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' = [
  for partner in partners: {
    name: '${name}-${partner.name}'
    location: location
  }
]

resource partnerTrust 'Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials@2023-01-31' = [
  for (partner, i) in partners: {
    parent: partnerIdentity[i]
    name: partner.name
    properties: { issuer: partner.issuer, subject: partner.subject, audiences: ['api://AzureADTokenExchange'] }
  }
]

resource readerIdentity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = [
  for item in readers: { name: '${name}-${item.partner}' }
]

resource mayRead 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (item, i) in readers: {
    scope: partnerGroup[i]
    name: guid(partnerGroup[i].id, item.partner, roles.eventHubsReceiver)
    properties: {
      principalId: readerIdentity[i].properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles.eventHubsReceiver)
    }
    dependsOn: [partnerIdentity]
  }
]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: namespace
  name: 'workspace'
  properties: {
    workspaceId: workspaceId
    logs: map(
      ['ArchiveLogs', 'OperationalLogs', 'AutoScaleLogs', 'EventHubVNetConnectionEvent'],
      category => { category: category, enabled: true }
    )
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

module endpoint 'privateEndpoint.bicep' = if (privateLink != null) {
  params: {
    name: name
    location: location
    targetId: namespace.id
    groups: ['namespace']
    privateLink: privateLink!
  }
}

output namespaceId string = namespace.id
