metadata description = 'The way into one resource from the virtual network, with the names that lead there.'

import { privateLinkType } from '../types.bicep'

@description('Of the target; the endpoints are named after it.')
param name string
param location string
param targetId string

@description('Sub-resources: namespace, blob, queue, table, postgresqlServer.')
param groups ('namespace' | 'blob' | 'queue' | 'table' | 'postgresqlServer')[]
param privateLink privateLinkType

var zoneOf = {
  namespace: 'servicebus'
  blob: 'blob'
  queue: 'queue'
  table: 'table'
  postgresqlServer: 'postgres'
}

resource endpoint 'Microsoft.Network/privateEndpoints@2024-05-01' = [
  for group in groups: {
    name: '${name}-${group}'
    location: location
    properties: {
      subnet: { id: privateLink.subnetId }
      privateLinkServiceConnections: [
        { name: group, properties: { privateLinkServiceId: targetId, groupIds: [group] } }
      ]
    }
  }
]

resource names 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2024-05-01' = [
  for (group, i) in groups: {
    parent: endpoint[i]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        { name: zoneOf[group], properties: { privateDnsZoneId: privateLink.zones[zoneOf[group]] } }
      ]
    }
  }
]
