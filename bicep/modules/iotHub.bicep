metadata description = 'IoT Hub: devices in, raw hubs out by route, twin tags added to every message. Its own identity sends to the hubs.'

import { iotHubType } from '../types.bicep'
import { roles } from '../roles.bicep'

param name string
param location string
param size iotHubType

@description('Routes, fallback hub, hub of connection events and enrichments of the catalog.')
param routing {
  routes: { hub: string, headerType: string, protocol: string }[]
  fallback: string
  connections: string
  enrichments: { name: string, value: string }[]
}

@description('Host name of the raw namespace.')
param rawHost string

@description('Name of the identity that sends to the raw hubs.')
param identityName string

@description('Who works with devices: an identity of this resource group and its role.')
param access { identity: string, role: 'iotHubData' | 'iotHubRegistry' | 'iotHubTwins' }[]

param lock bool
param workspaceId string

var hubs = union(map(routing.routes, route => route.hub), [routing.fallback])
var pairs = map(routing.routes, route => '(headerType = \'${route.headerType}\' AND $twin.tags.protocol = \'${route.protocol}\')')

// A comparison with a missing property is neither true nor false, and so is its negation. is_string is always one of the two.
var unrouted = 'NOT is_string(headerType) OR NOT is_string($twin.tags.protocol) OR NOT (${join(pairs, ' OR ')})'

var routes = concat(map(range(0, length(pairs)), i => { name: routing.routes[i].hub, source: 'DeviceMessages', condition: pairs[i] }), [
  { name: routing.fallback, source: 'DeviceMessages', condition: unrouted }
  { name: routing.connections, source: 'DeviceConnectionStateEvents', condition: 'true' }
])

resource sender 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = { name: identityName }

resource iotHub 'Microsoft.Devices/IotHubs@2023-06-30' = {
  name: name
  location: location
  sku: { name: size.tier, capacity: size.units }
  identity: { type: 'UserAssigned', userAssignedIdentities: { '${sender.id}': {} } }
  properties: {
    // Keys of the service are off; devices sign in with keys of their own.
    disableLocalAuth: true
    disableDeviceSAS: false
    disableModuleSAS: true
    minTlsVersion: '1.2'
    eventHubEndpoints: { events: { retentionTimeInDays: size.retentionDays, partitionCount: 4 } }
    routing: {
      endpoints: {
        eventHubs: [
          for hub in concat(hubs, [routing.connections]): {
            name: hub
            authenticationType: 'identityBased'
            identity: { userAssignedIdentity: sender.id }
            endpointUri: 'sb://${rawHost}'
            entityPath: hub
            resourceGroup: resourceGroup().name
            subscriptionId: subscription().subscriptionId
          }
        ]
      }
      routes: [
        for route in routes: {
          name: route.name
          source: route.source
          condition: route.condition
          endpointNames: [route.name]
          isEnabled: true
        }
      ]
      // Only what no condition could judge comes here; an alert watches it.
      fallbackRoute: { name: 'fallback', source: 'DeviceMessages', condition: 'true', endpointNames: ['events'], isEnabled: true }
      enrichments: [
        for enrichment in routing.enrichments: {
          key: enrichment.name
          value: enrichment.value
          endpointNames: concat(hubs, ['events'])
        }
      ]
    }
  }
}

resource identities 'Microsoft.ManagedIdentity/userAssignedIdentities@2023-01-31' existing = [for item in access: { name: item.identity }]

resource mayUse 'Microsoft.Authorization/roleAssignments@2022-04-01' = [
  for (item, i) in access: {
    scope: iotHub
    name: guid(iotHub.id, item.identity, roles[item.role])
    properties: {
      principalId: identities[i].properties.principalId
      principalType: 'ServicePrincipal'
      roleDefinitionId: subscriptionResourceId('Microsoft.Authorization/roleDefinitions', roles[item.role])
    }
  }
]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  scope: iotHub
  name: 'workspace'
  properties: {
    workspaceId: workspaceId
    logs: map(
      ['Routes', 'C2DCommands', 'DeviceIdentityOperations', 'DirectMethods', 'Configurations'],
      category => { category: category, enabled: true }
    )
    metrics: [{ category: 'AllMetrics', enabled: true }]
  }
}

resource keep 'Microsoft.Authorization/locks@2020-05-01' = if (lock) {
  scope: iotHub
  name: 'data'
  properties: { level: 'CanNotDelete', notes: 'Holds the identities of all devices of the region.' }
}
