targetScope = 'subscription'

metadata description = 'One region: a resource group and everything in it. Deployed once per region, with its file in regions/.'

import { regionType } from 'types.bicep'
import { localName } from 'names.bicep'

param region regionType

@description('The release that was last found healthy, a tag of the resource group. region passes what it finds, so that a deployment does not take it away.')
param release string = ''

resource group 'Microsoft.Resources/resourceGroups@2024-11-01' = {
  name: localName(region.code, '')
  location: region.location
  tags: { product: 'pumps', region: region.code, release: release }
}

module resources 'modules/region.bicep' = {
  scope: group
  params: { region: region, location: region.location }
}

@description('Names that the pipeline needs. Nothing here is secret.')
output names object = {
  resourceGroup: group.name
  apps: resources.outputs.apps
  database: resources.outputs.database
  databaseServer: resources.outputs.databaseServer
  databaseAdministrators: region.database.administrators.name
  iotHub: resources.outputs.iotHub
  site: resources.outputs.site
  siteHost: resources.outputs.siteHost
  workspaceId: resources.outputs.workspaceId
}
