metadata description = 'The virtual network of a private region: one subnet for apps, one for private endpoints, and private names.'

import { localName } from '../names.bicep'

param code string
param location string

@description('A /21: half of it for instances of apps, a quarter for endpoints.')
param addresses string

// By the short names that privateEndpoint.bicep uses.
var zones = {
  servicebus: 'privatelink.servicebus.windows.net'
  blob: 'privatelink.blob.${environment().suffixes.storage}'
  queue: 'privatelink.queue.${environment().suffixes.storage}'
  table: 'privatelink.table.${environment().suffixes.storage}'
  postgres: 'privatelink.postgres.database.azure.com'
}

resource network 'Microsoft.Network/virtualNetworks@2024-05-01' = {
  name: localName(code, 'network')
  location: location
  properties: {
    addressSpace: { addressPrefixes: [addresses] }
    subnets: [
      {
        name: 'apps'
        properties: {
          addressPrefix: cidrSubnet(addresses, 22, 0)
          delegations: [{ name: 'apps', properties: { serviceName: 'Microsoft.App/environments' } }]
        }
      }
      {
        name: 'endpoints'
        properties: { addressPrefix: cidrSubnet(addresses, 23, 2) }
      }
    ]
  }
}

resource zone 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for item in items(zones): {
    name: item.value
    location: 'global'
  }
]

resource link 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (item, i) in items(zones): {
    parent: zone[i]
    name: network.name
    location: 'global'
    properties: { virtualNetwork: { id: network.id }, registrationEnabled: false }
  }
]

output appsSubnetId string = '${network.id}/subnets/apps'
output endpointsSubnetId string = '${network.id}/subnets/endpoints'
output zones object = mapValues(zones, name => resourceId('Microsoft.Network/privateDnsZones', name))
