metadata description = 'Queues, and who may send and receive, queue by queue. What cannot be handled goes to the dead-letter queue and is not lost.'

import { privateLinkType } from '../types.bicep'
import { roles } from '../roles.bicep'

param name string
param location string
param zoneRedundant bool

@description('sessions: messages of one session, such as one device, come in order and one at a time.')
param queues { name: string, sessions: bool, receiver: string, senders: string[] }[]
param privateLink privateLinkType?
param workspaceId string

// Private endpoints need the Premium tier.
var tier = privateLink == null ? 'Standard' : 'Premium'
var access = flatten(map(
  queues,
  queue =>
    concat(
      [{ queue: queue.name, identity: queue.receiver, role: roles.serviceBusReceiver }],
      map(queue.senders, sender => { queue: queue.name, identity: sender, role: roles.serviceBusSender })
    )
))

resource namespace 'Microsoft.ServiceBus/namespaces@2024-01-01' = {
  name: name
  location: location
  sku: { name: tier, tier: tier, capacity: privateLink == null ? null : 1 }
  properties: {
    disableLocalAuth: true
    minimumTlsVersion: '1.2'
    zoneRedundant: zoneRedundant
    publicNetworkAccess: privateLink == null ? 'Enabled' : 'Disabled'
  }
}

resource queue 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' = [
  for item in queues: {
    parent: namespace
    name: item.name
    properties: {
      requiresSession: item.sessions
      deadLetteringOnMessageExpiration: true
      lockDuration: 'PT1M' // Renewed while a function works; what a crash has left locked waits no longer.
      maxDeliveryCount: 10
      defaultMessageTimeToLive: 'P7D'
    }
  }
]

resource identity 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = [for item in access: { name: item.identity }]

resource target 'Microsoft.ServiceBus/namespaces/queues@2024-01-01' existing = [
  for item in access: {
    parent: namespace
    name: item.queue
  }
]

resource mayUse 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (item, i) in access: {
    scope: target[i]
    name: guid(target[i].id, item.identity, item.role)
    properties: {
      principalId: identity[i].properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', item.role)
    }
    dependsOn: [queue]
  }
]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: namespace
  name: 'workspace'
  properties: {
    workspaceId: workspaceId
    logs: [{ category: 'OperationalLogs', enabled: true }]
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
